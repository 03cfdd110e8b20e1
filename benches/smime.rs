//! S/MIME beside OpenSSL: one mail of 25 MiB by both command lines, what forwarding it takes beside decrypting it and
//! encrypting it again, and many small mails by both libraries.
//!
//! What counts is CPU time, user and system, which the kernel tells of each process; who waits for whom on a shared
//! machine does not. Each command runs under a process of its own, so that the kernel also says how much memory it
//! needed at most.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a bench stops where its material is not as it should be")]

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    slice::from_ref,
};

use nix::sys::resource::{UsageWho, getrusage};
use sealpost_benches::{cpu, noise, time};
use sealpost_interop::smime::{Identity, OpenSsl, Pki, mail};
use sealpost_measure::median;

const ROUNDS: usize = 15;
/// How many small mails each program signs with each key, and in how many rounds.
const MAILS: (u32, u32) = (10_000, 10);
/// Octets of the small mail.
const SMALL: usize = 8 << 10;
/// Octets of the large mail.
const LARGE: usize = 25 << 20;
/// The most memory that a program may need for it: less than the mail itself.
const MEMORY: u64 = 24 << 20;
/// The most that forwarding may need.
const FORWARDING_MEMORY: u64 = 16 << 20;
/// The most of the time for decrypting and encrypting that forwarding may take.
const FORWARDING: f64 = 0.05;
/// Runs what follows and tells what it took.
const UNDER: &str = "--measured";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [way, program, arguments @ ..] = &arguments[..]
        && way == UNDER
    {
        return measured(program, arguments);
    }
    let pki = Pki::with(&["RSA-3072", "P-256"]);
    // `cargo bench --bench smime -- large`, `forward` or `small` is one of them.
    let asked = |name: &str| arguments.iter().all(|argument| argument.starts_with('-') || argument == name);
    if asked("large") {
        large_mails(&pki);
    }
    if asked("forward") {
        forwarded_mails(&pki);
    }
    if asked("small") {
        small_mails(&pki);
    }
}

/// Runs a program with this process's input and throws away what it writes. Prints its CPU seconds and its memory.
fn measured(program: &str, arguments: &[String]) {
    let output = Command::new(program).args(arguments).stdin(Stdio::inherit()).stdout(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{said}", output.status);
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    // Linux tells KiB.
    println!("{} {}", cpu(UsageWho::RUSAGE_CHILDREN), peak << 10);
}

/// A program with its arguments and its input.
struct Call {
    program: PathBuf,
    arguments: Vec<String>,
    input: PathBuf,
}

impl Call {
    fn new(program: &Path, words: &str, paths: &[&Path], input: &Path) -> Self {
        // A word that is `%` stands for the next path.
        let mut paths = paths.iter().map(|path| path.to_str().unwrap());
        let arguments = words.split_whitespace().map(|word| if word == "%" { paths.next().unwrap() } else { word });
        let arguments = arguments.map(str::to_owned).collect();
        Self { program: program.into(), arguments, input: input.into() }
    }

    /// CPU seconds, and the most memory in octets.
    fn run(&self) -> (f64, u64) {
        let mut command = Command::new(env::current_exe().unwrap());
        command.arg(UNDER).arg(&self.program).args(&self.arguments).stdin(File::open(&self.input).unwrap());
        let output = command.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "{} {:?}", self.program.display(), self.arguments);
        let output = String::from_utf8(output.stdout).unwrap();
        let (cpu, peak) = output.trim().split_once(' ').unwrap();
        (cpu.parse().unwrap(), peak.parse().unwrap())
    }
}

/// What both do, and the most of OpenSSL's time that ours is to take.
struct Operation<'a> {
    name: &'a str,
    goal: f64,
    ours: Call,
    /// One after the other.
    theirs: Vec<Call>,
    /// The most that ours may need.
    memory: u64,
    /// The same without looking at line ends, where that is another thing to do.
    binary: Option<Call>,
}

fn large_mails(pki: &Pki) {
    let tool = built(&["-p", "sealpost-cli"], "sealpost");
    let openssl = Path::new("openssl");
    println!("### A mail of 25 MiB, beside `openssl cms`\n");
    println!("| | key | OpenSSL | sealpost | of OpenSSL's time | goal | of `-binary`'s | most memory |");
    println!("|---|---|---|---|---|---|---|---|");
    for (by, to) in pki.signers.iter().zip(&pki.readers) {
        let mail = pki.scratch().file(&large(&by.address));
        for operation in operations(pki, (&tool, openssl), (by, to), &mail) {
            operation.compare(by.kind);
        }
    }
    println!();
}

fn operations(
    pki: &Pki,
    (ours, openssl): (&Path, &Path),
    (by, to): (&Identity, &Identity),
    mail: &Path,
) -> Vec<Operation<'static>> {
    let (key, cert, chain, root) = (&*by.key, &*by.certificate, &*pki.issuing, &*pki.root);
    let theirs = |words: &str, paths: &[&Path], input: &Path| Call::new(openssl, &format!("cms {words}"), paths, input);
    let ours = |words: &str, paths: &[&Path], input: &Path| Call::new(ours, &format!("smime {words}"), paths, input);
    let made = |args: &[&str], input: &Path| {
        let (outer, entity) = mail::split(&fs::read(input).unwrap());
        let made = OpenSsl::new(pki).cms(args, &entity).unwrap();
        pki.scratch().file(&mail::join(&outer, &made))
    };
    let [cert_name, key_name, chain_name] = [cert, key, chain].map(|path| path.to_str().unwrap());
    let signed = ["-sign", "-binary", "-crlfeol", "-signer", cert_name, "-inkey", key_name, "-certfile", chain_name];
    let signed = made(&signed, mail);
    let mut operations = vec![
        Operation {
            name: "sign, multipart",
            goal: 0.8,
            ours: ours("sign --key % --cert % --chain %", &[key, cert, chain], mail),
            theirs: vec![theirs("-sign -signer % -inkey % -certfile %", &[cert, key, chain], mail)],
            memory: MEMORY,
            binary: Some(theirs("-sign -binary -signer % -inkey % -certfile %", &[cert, key, chain], mail)),
        },
        Operation {
            name: "verify, multipart",
            goal: 0.1,
            ours: ours("verify --trust % --content -", &[root], &signed),
            theirs: vec![theirs("-verify -CAfile %", &[root], &signed)],
            memory: MEMORY,
            binary: None,
        },
    ];
    let to_name = to.certificate.to_str().unwrap();
    for (name, cipher, goal) in [("CBC", "aes-256-cbc", 0.5), ("GCM", "aes-256-gcm", 0.3)] {
        let dashed = format!("-{cipher}");
        let kdf: &[&str] = if to.is_rsa() { &[] } else { &["-keyopt", "ecdh_kdf_md:sha256"] };
        let sealed = [&["-encrypt", "-binary", "-crlfeol", &dashed, "-recip", to_name], kdf].concat();
        let sealed = made(&sealed, mail);
        let words = format!("-encrypt {dashed} -recip % {}", kdf.join(" "));
        let rsa = if to.is_rsa() { "--rsa pkcs1" } else { "" };
        operations.push(Operation {
            name: if name == "CBC" { "encrypt, CBC and base64" } else { "encrypt, GCM and base64" },
            goal,
            ours: ours(&format!("encrypt --to % --cipher {cipher} {rsa}"), &[&to.certificate], mail),
            theirs: vec![theirs(&words, &[&to.certificate], mail)],
            memory: MEMORY,
            binary: Some(theirs(&format!("{words} -binary"), &[&to.certificate], mail)),
        });
        operations.push(Operation {
            name: if name == "CBC" { "decrypt, CBC and base64" } else { "decrypt, GCM and base64" },
            goal: 0.4,
            ours: ours("decrypt --key % --cert %", &[&to.key, &to.certificate], &sealed),
            theirs: vec![theirs("-decrypt -inkey % -recip %", &[&to.key, &to.certificate], &sealed)],
            memory: MEMORY,
            binary: None,
        });
    }
    operations
}

impl Operation<'_> {
    /// All take turns; the ratio is the median of those of each round.
    fn compare(&self, key: &str) {
        let (mut ours, mut theirs, mut ratios, mut binary) = (vec![], vec![], vec![], vec![]);
        let mut most = 0;
        for round in 0..ROUNDS {
            eprint!("\r{}, {key}: round {} of {ROUNDS} ", self.name, round + 1);
            let (mut our, mut their) = (None, None);
            // Each round starts with another.
            for turn in 0..2 {
                let call = if (round + turn) % 2 == 0 { &mut our } else { &mut their };
                *call = Some(run(if (round + turn) % 2 == 0 { from_ref(&self.ours) } else { &self.theirs }));
            }
            let ((cpu, peak), (their, _)) = (our.unwrap(), their.unwrap());
            most = most.max(peak);
            ours.push(cpu);
            theirs.push(their);
            ratios.push(cpu / their);
            binary.extend(self.binary.as_ref().map(|call| cpu / call.run().0));
        }
        eprintln!();
        let ratio = median(ratios);
        let binary = if binary.is_empty() { String::new() } else { format!("{:.2}", median(binary)) };
        let [theirs, ours] = [theirs, ours].map(|times| time(median(times)));
        let reached = |reached: bool| if reached { "" } else { " (missed)" };
        println!(
            "| {} | {key} | {theirs} | {ours} | {ratio:.3} | {}{} | {binary} | {:.1} MiB{} |",
            self.name,
            self.goal,
            reached(ratio <= self.goal),
            f64::from(u32::try_from(most).unwrap()) / f64::from(1 << 20),
            reached(most < self.memory),
        );
    }
}

/// Runs them one after the other: their CPU seconds together, and the most memory that one of them needed.
fn run(calls: &[Call]) -> (f64, u64) {
    calls.iter().map(Call::run).fold((0.0, 0), |(cpu, peak), (more, other)| (cpu + more, peak.max(other)))
}

/// A mail in lines of 76 characters, as mail programs write them, and as OpenSSL writes it. The name of the forwardee is as
/// long as that of the forwarder modulo three, as `setup` makes it; or it is not, so that all base64 is written anew.
fn forwarded_mails(pki: &Pki) {
    let tool = built(&["-p", "sealpost-cli"], "sealpost");
    let to = pki.reader("P-256");
    let [key, cert] = [&to.key, &to.certificate];
    let folder = pki.scratch().fresh();
    let setup = "smime forward setup --key % --cert % --to charles@example.org --allow-signing-key --out %";
    Call::new(&tool, setup, &[key, cert, &folder], cert).run();
    let fitting = folder.join("instance-0.json");
    let json = fs::read_to_string(&fitting).unwrap();
    let (start, serial) = json.rsplit_once("\"serial\": \"").unwrap();
    let longer = pki.scratch().file(format!("{start}\"serial\": \"01{serial}").as_bytes());
    let mail = pki.scratch().file(&large(&to.address));
    println!("### Forwarding a mail of 25 MiB, beside `openssl cms -decrypt` and `openssl cms -encrypt`\n");
    println!("| | key | OpenSSL | sealpost | of OpenSSL's time | goal | | most memory |");
    println!("|---|---|---|---|---|---|---|---|");
    for (cipher, name) in [("aes-256-cbc", "CBC"), ("aes-256-gcm", "GCM")] {
        let encrypt = format!("cms -encrypt -{cipher} -recip % -keyopt ecdh_kdf_md:sha256");
        let sealed = pki.scratch().fresh();
        let openssl = Path::new("openssl");
        Call::new(openssl, &format!("{encrypt} -binary -crlfeol -out %"), &[cert, &sealed], &mail).run();
        // Both are written at once: files of many small pieces are read more slowly.
        let sealed = fs::read(&sealed).unwrap();
        let files = [in_lines(&sealed), sealed].map(|mail| pki.scratch().file(&mail));
        for (lines, sealed) in ["76", "64"].iter().zip(&files) {
            for (way, instance) in [("the text stays", &fitting), ("the text is written anew", &longer)] {
                let transform = Call::new(&tool, "smime forward transform --instance %", &[instance], sealed);
                Operation {
                    name: &format!("{name}, lines of {lines}, {way}"),
                    goal: FORWARDING,
                    ours: transform,
                    theirs: vec![
                        Call::new(openssl, "cms -decrypt -inkey % -recip %", &[key, cert], sealed),
                        Call::new(openssl, &encrypt, &[cert], &mail),
                    ],
                    memory: FORWARDING_MEMORY,
                    binary: None,
                }
                .compare(to.kind);
            }
        }
    }
    println!();
}

/// A mail in base64 with lines of 76 characters.
fn in_lines(mail: &[u8]) -> Vec<u8> {
    let (header, body) = mail::halves(mail);
    let characters: Vec<u8> = body.iter().copied().filter(|c| !c.is_ascii_whitespace()).collect();
    let lines = characters.chunks(76).flat_map(|line| [line, &b"\r\n"[..]]).flatten();
    header.iter().chain(lines).copied().collect()
}

fn small_mails(pki: &Pki) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = folder.join("../interop/python/venv/bin/python");
    if !python.is_file() {
        return println!("Python's cryptography is missing: cargo xtask test installs it");
    }
    let script = folder.join("small_mails.py");
    let programs = [
        ("libcrypto, by Python's cryptography", python, Some(script)),
        ("sealpost, RustCrypto", variant(pki, &[]), None),
        ("sealpost, AWS-LC", variant(pki, &["--features", "aws-lc"]), None),
    ];
    println!("### 10,000 mails of 8 KiB, multipart, on one core\n");
    println!("| | key | signed per second | speed |\n|---|---|---|---|");
    for by in &pki.signers {
        let text = small(&by.address);
        let files = [&text, &mail::split(&text).1].map(|octets| pki.scratch().file(octets));
        let [mail, entity] = &files;
        let start = |(_, program, script): &(_, PathBuf, Option<PathBuf>)| {
            let mail = if script.is_some() { entity } else { mail };
            let files = [&by.key, &by.certificate, &pki.issuing, mail];
            Signing::start(Command::new(program).args(script).args(files))
        };
        let mut signing: Vec<_> = programs.iter().map(start).collect();
        let (mails, rounds) = (MAILS.0 / MAILS.1, MAILS.1);
        for round in 0..rounds {
            eprint!("\rsmall mails, {}: round {} of {rounds} ", by.kind, round + 1);
            signing.iter_mut().for_each(|signing| signing.sign(mails));
        }
        eprintln!();
        let reference = signing.first().unwrap().times.clone();
        for ((name, ..), Signing { times, .. }) in programs.iter().zip(&signing) {
            let speed = median(reference.iter().zip(times).map(|(reference, time)| reference / time).collect());
            let per_second = f64::from(mails) / median(times.clone());
            println!("| {name} | {} | {per_second:.0} | {speed:.2} |", by.kind);
        }
    }
    println!();
}

/// A process that signs one mail again and again.
struct Signing {
    child: Child,
    answers: BufReader<ChildStdout>,
    /// CPU seconds of each round.
    times: Vec<f64>,
}

impl Signing {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers, times: Vec::new() }
    }

    fn sign(&mut self, mails: u32) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{mails}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        self.times.push(answer.trim().parse().unwrap());
    }
}

impl Drop for Signing {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

/// `sign_mails`, built with these features; a copy, because the next one is built into the same place.
fn variant(pki: &Pki, features: &[&str]) -> PathBuf {
    let built = built(&[&["-p", "sealpost-benches", "--bin", "sign_mails"], features].concat(), "sign_mails");
    let copy = pki.scratch().fresh();
    fs::copy(built, &copy).unwrap();
    copy
}

fn small(from: &str) -> Vec<u8> {
    let mut mail = format!(
        "From: {from}\r\nTo: bob@example.org\r\nSubject: News\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\r\n"
    )
    .into_bytes();
    while mail.len() < SMALL {
        mail.extend_from_slice(b"All the news that is fit to be signed, and some that is not, for a page.\r\n");
    }
    mail
}

/// A program as it is released, in the folder above this bench's own.
fn built(what: &[&str], name: &str) -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--release", "--locked"]).args(what);
    assert!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success(), "{name}");
    env::current_exe().unwrap().parent().and_then(Path::parent).unwrap().join(name)
}

/// A mail with a text and an attachment in base64, as programs write them.
fn large(from: &str) -> Vec<u8> {
    let mut mail = format!(
        "From: {from}\r\nTo: bob@example.org\r\nSubject: The plans\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"=_plans\"\r\n\r\n--=_plans\r\n\
         Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nSee below.\r\n\r\n\
         --=_plans\r\nContent-Type: application/zip; name=plans.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    .into_bytes();
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut octets = noise();
    while mail.len() < LARGE {
        let line = octets.by_ref().take(76).map(|octet| digits.get(usize::from(octet & 63)).copied().unwrap_or(b'A'));
        mail.extend(line);
        mail.extend_from_slice(b"\r\n");
    }
    mail.extend_from_slice(b"\r\n--=_plans--\r\n");
    mail
}
