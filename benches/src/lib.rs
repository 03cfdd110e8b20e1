//! What the benches share: tables, and a mail of 25 MiB with those who forward it.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a bench stops where its material is not as it should be")]

pub mod dudect;

use std::{fs, time::Duration};

use getrandom::{SysRng, rand_core::UnwrapErr};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use sealpost_measure::{Comparison, Measured};
use sealpost_pre::{Fingerprint, Instance, Point, ProxyFactor, SubkeySecret, UnixTime};
use sealpost_testkit::messages::{Framing, packet, pkesk_v3};

/// How large the encrypted data is.
pub const MESSAGE: usize = 25 << 20;
/// How much of a mail holds all that a plan needs: what a server reads at once.
pub const HEAD: usize = 64 << 10;
/// When the mails are forwarded.
pub const NOW: UnixTime = UnixTime(1_700_000_000);

/// Partial lengths of 4 KiB, as OpenPGP programs write them that stream.
pub const CHUNKS: Framing = Framing::Partial(12);
const FORWARDER: [u8; 20] = *b"the forwarder's key.";

/// A random factor.
#[must_use]
pub fn factor() -> ProxyFactor {
    let rng = &mut UnwrapErr(SysRng);
    ProxyFactor::compute(&SubkeySecret::generate(rng), &SubkeySecret::generate(rng))
}

/// A random point, as an honest sender makes it.
#[must_use]
pub fn point() -> Point {
    SubkeySecret::generate(&mut UnwrapErr(SysRng)).public()
}

/// Instances from the forwarder to so many forwardees.
///
/// # Panics
///
/// If there are 2^32 and more.
#[must_use]
pub fn instances(count: usize) -> Vec<Instance> {
    let instance = |i: usize| {
        let mut forwardee = *b"a forwardee's key ....";
        forwardee[18..].copy_from_slice(&u32::try_from(i).unwrap().to_be_bytes());
        let forwardee = Fingerprint::from_bytes(*forwardee.last_chunk().unwrap());
        Instance::new(Fingerprint::from_bytes(FORWARDER), forwardee, None, factor())
    };
    (0..count).map(instance).collect()
}

/// A message of 25 MiB for the forwarder: a session key, then data in chunks of 4 KiB.
///
/// # Panics
///
/// Never: a fingerprint has 20 octets.
#[must_use]
pub fn message(framing: Framing) -> Vec<u8> {
    let key_id = *FORWARDER.last_chunk().unwrap();
    // 48 octets: an AES-256 session key, wrapped (RFC 9580 §11.5).
    let mut message = packet(1, &pkesk_v3(key_id, &point().to_wire(), &[0x5A; 48]), Framing::New(1));
    message.extend(packet(18, &data(), framing));
    message
}

/// Encrypted data (version 1), or octets just as random.
fn data() -> Vec<u8> {
    std::iter::once(1).chain(noise()).take(MESSAGE).collect()
}

/// Octets that can't be compressed, the same in each run.
pub fn noise() -> impl Iterator<Item = u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let words = std::iter::repeat_with(move || {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten()
}

/// Runs a comparison and prints what was measured as a table in Markdown.
pub fn print(headline: &str, comparison: Comparison<'_>) {
    let measured = comparison.run(|done, of| eprint!("\r{headline}: round {done} of {of} "));
    eprintln!();
    println!("### {headline}\n");
    println!("| | per second | fastest | median | speed |");
    println!("|---|---|---|---|---|");
    measured.iter().for_each(|row| println!("{}", line(row)));
    println!();
}

fn line(row: &Measured) -> String {
    let Measured { name, fastest, median, ratio, .. } = row;
    let [fastest, median] = [*fastest, *median].map(time);
    format!("| {name} | {:.0} | {fastest} | {median} | {ratio:.2} |", row.median.recip())
}

/// User and system time in seconds.
///
/// # Panics
///
/// If it is half an hour or more.
#[must_use]
pub fn cpu(who: UsageWho) -> f64 {
    let usage = getrusage(who).unwrap();
    let times = [usage.user_time(), usage.system_time()].map(|time| time.num_microseconds());
    times.iter().map(|time| f64::from(i32::try_from(*time).unwrap()) / 1e6).sum()
}

/// Seconds as people write them.
#[must_use]
pub fn time(seconds: f64) -> String {
    let time = Duration::from_secs_f64(seconds);
    if time < Duration::from_millis(1) {
        format!("{:.2} µs", seconds * 1e6)
    } else if time < Duration::from_secs(1) {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

/// The most memory that this process has had: `VmHWM` of proc_pid_status(5), in octets.
///
/// # Panics
///
/// Where there is no such file.
#[must_use]
pub fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() << 10
}

/// Octets as people write them.
#[must_use]
pub fn size(octets: u64) -> String {
    match octets {
        0..0x10_0000 => format!("{} KiB", octets >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", octets >> 20),
        _ => format!("{} GiB", octets >> 30),
    }
}
