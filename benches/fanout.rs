//! One mail of 25 MiB to 1,000 forwardees: a patch for each, or a copy for each.
//!
//! Each way runs in a process of its own, so that the kernel says how much memory it needed at most. Both read the
//! mail from a file. The copies are made by the crate `pgp`: it parses the packets and writes them again behind the
//! forwardee's session key, which it is given for nothing.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench stops where its material is not as it should be")]

use std::{
    env,
    fs::{self, File},
    io::{self, BufReader, Read, Write},
    path::Path,
    process::Command,
    time::Instant,
};

use pgp::{
    packet::{Packet, PacketParser},
    ser::Serialize,
};
use sealpost_benches::{CHUNKS, HEAD, NOW, instances, message, peak, size, time};
use sealpost_pre::Transform;

const FORWARDEES: usize = 1000;
/// How many copies go to files; those files are as large as that many mails.
const FILES: usize = 20;

fn main() {
    // `cargo bench` gives arguments of its own.
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1..) {
        Some([way, count, mail]) if way != "--bench" => {
            let (count, mail) = (count.parse().unwrap(), Path::new(mail));
            let instances = instances(if way == "patches" { count } else { 0 });
            let start = Instant::now();
            let written = match way.as_str() {
                "patches" => patches(&instances, mail),
                "copies" => copies(count, mail, |_| io::sink()),
                _ => copies(count, mail, |i| File::create(mail.with_extension(i.to_string())).unwrap()),
            };
            println!("{}|{written}|{}", start.elapsed().as_secs_f64(), peak());
        }
        _ => compare(),
    }
}

fn compare() {
    let folder = tempfile::tempdir().unwrap();
    let mail = folder.path().join("mail");
    fs::write(&mail, message(CHUNKS)).unwrap();
    println!("### One mail of 25 MiB to many forwardees\n");
    println!("| | forwardees | written | time | most memory |");
    println!("|---|---|---|---|---|");
    for (name, way, count) in [
        ("sealpost, a patch each", "patches", FORWARDEES),
        ("pgp 0.21, a copy each, thrown away", "copies", FORWARDEES),
        ("pgp 0.21, a copy each, to files", "files", FILES),
    ] {
        let child = Command::new(env::current_exe().unwrap()).args([way, &count.to_string()]).arg(&mail).output();
        let output = String::from_utf8(child.unwrap().stdout).unwrap();
        let [seconds, written, peak] = output.trim().split('|').collect::<Vec<_>>()[..] else { panic!("{output}") };
        let [written, peak] = [written, peak].map(|octets| size(octets.parse().unwrap()));
        println!("| {name} | {count} | {written} | {} | {peak} |", time(seconds.parse().unwrap()));
    }
    println!();
}

/// Makes a patch for each forwardee from the head of the mail. Returns how many octets they have.
fn patches(instances: &[sealpost_pre::Instance], mail: &Path) -> u64 {
    let mut head = vec![0; HEAD];
    File::open(mail).unwrap().read_exact(&mut head).unwrap();
    let patches = Transform::new(instances, NOW).plan_each(&head).unwrap();
    assert!(patches.each.iter().all(|planned| planned.transformed() == 1));
    let written: usize = patches.each.iter().map(|planned| planned.patch.to_bytes().len()).sum();
    written.try_into().unwrap()
}

/// Writes a copy of the mail for each forwardee. Returns how many octets they have.
fn copies<W: Write>(count: usize, mail: &Path, to: impl Fn(usize) -> W) -> u64 {
    (0..count).map(|i| copy(mail, to(i))).sum()
}

fn copy(mail: &Path, to: impl Write) -> u64 {
    let mut to = Counted { to, written: 0 };
    for packet in PacketParser::new(BufReader::new(File::open(mail).unwrap())) {
        // A session key's packet has the same length for every forwardee, so this one stands for it.
        let packet: Packet = packet.unwrap();
        packet.to_writer(&mut to).unwrap();
    }
    to.written
}

struct Counted<W> {
    to: W,
    written: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let n = self.to.write(octets)?;
        self.written += u64::try_from(n).unwrap();
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
