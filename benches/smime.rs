//! S/MIME beside OpenSSL: one mail of 25 MiB by both command lines, and many small mails by both libraries.
//!
//! What counts is CPU time, user and system, which the kernel tells of each process; who waits for whom on a shared
//! machine does not. Each command runs under a process of its own, so that the kernel also says how much memory it
//! needed at most.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a bench stops where its material is not as it should be")]

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Cursor, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use getrandom::{SysRng, rand_core::UnwrapErr};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use sealpost_benches::{noise, time};
use sealpost_interop::smime::{Identity, OpenSsl, Pki, mail};
use sealpost_measure::median;
use sealpost_smime::{
    Certificate, Limits, Signer, UnixTime,
    algorithm::{Digest, SignatureScheme},
    key::SoftwareKey,
};

const ROUNDS: usize = 15;
/// How many small mails each program signs with each key, and in how many rounds.
const MAILS: (u32, u32) = (10_000, 10);
/// Octets of the small mail.
const SMALL: usize = 8 << 10;
/// Octets of the large mail.
const LARGE: usize = 25 << 20;
/// The most memory that a program may need for it: less than the mail itself.
const MEMORY: u64 = 24 << 20;
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
    large_mails(&pki);
    small_mails(&pki);
}

/// Runs a program with this process's input and throws away what it writes. Prints its CPU seconds and its memory.
fn measured(program: &str, arguments: &[String]) {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}: {status}");
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
struct Operation {
    name: &'static str,
    goal: f64,
    ours: Call,
    theirs: Call,
    /// The same without looking at line ends, where that is another thing to do.
    binary: Option<Call>,
}

fn large_mails(pki: &Pki) {
    let tool = tool();
    let openssl = Path::new("openssl");
    println!("### A mail of 25 MiB, beside `openssl cms`\n");
    println!("| | key | OpenSSL | sealpost | of OpenSSL's time | goal | of `-binary`'s | most memory |");
    println!("|---|---|---|---|---|---|---|---|");
    let mail = pki.scratch().file(&large(&pki.signers.first().unwrap().address));
    for (by, to) in pki.signers.iter().zip(&pki.readers) {
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
) -> Vec<Operation> {
    let (key, cert, chain, root) = (&*by.key, &*by.certificate, &*pki.issuing, &*pki.root);
    let theirs = |words: &str, paths: &[&Path], input: &Path| Call::new(openssl, &format!("cms {words}"), paths, input);
    let ours = |words: &str, paths: &[&Path], input: &Path| Call::new(ours, &format!("smime {words}"), paths, input);
    let made = |args: &[&str], input: &Path| {
        let made = OpenSsl::new(pki).cms(args, &fs::read(input).unwrap()).unwrap();
        let from = format!("From: {}\r\n", by.address);
        pki.scratch().file(&mail::join(from.as_bytes(), &made))
    };
    let [cert_name, key_name, chain_name] = [cert, key, chain].map(|path| path.to_str().unwrap());
    let signed = ["-sign", "-binary", "-crlfeol", "-signer", cert_name, "-inkey", key_name, "-certfile", chain_name];
    let signed = made(&signed, mail);
    let mut operations = vec![
        Operation {
            name: "sign, multipart",
            goal: 0.8,
            ours: ours("sign --key % --cert % --chain %", &[key, cert, chain], mail),
            theirs: theirs("-sign -signer % -inkey % -certfile %", &[cert, key, chain], mail),
            binary: Some(theirs("-sign -binary -signer % -inkey % -certfile %", &[cert, key, chain], mail)),
        },
        Operation {
            name: "verify, multipart",
            goal: 0.1,
            ours: ours("verify --trust % --content -", &[root], &signed),
            theirs: theirs("-verify -CAfile %", &[root], &signed),
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
            theirs: theirs(&words, &[&to.certificate], mail),
            binary: Some(theirs(&format!("{words} -binary"), &[&to.certificate], mail)),
        });
        operations.push(Operation {
            name: if name == "CBC" { "decrypt, CBC and base64" } else { "decrypt, GCM and base64" },
            goal: 0.4,
            ours: ours("decrypt --key % --cert %", &[&to.key, &to.certificate], &sealed),
            theirs: theirs("-decrypt -inkey % -recip %", &[&to.key, &to.certificate], &sealed),
            binary: None,
        });
    }
    operations
}

impl Operation {
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
                *call = Some(if (round + turn) % 2 == 0 { self.ours.run() } else { self.theirs.run() });
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
            "| {} | {key} | {theirs} | {ours} | {ratio:.2} | {}{} | {binary} | {:.1} MiB{} |",
            self.name,
            self.goal,
            reached(ratio <= self.goal),
            f64::from(u32::try_from(most).unwrap()) / f64::from(1 << 20),
            reached(most < MEMORY),
        );
    }
}

fn small_mails(pki: &Pki) {
    println!("### 10,000 mails of 8 KiB, multipart, on one core\n");
    println!("| | key | signed per second | speed |\n|---|---|---|---|");
    for by in &pki.signers {
        let text = small(&by.address);
        let (_, entity) = mail::split(&text);
        let Some(mut python) = Python::start(pki, by, &entity) else { return };
        let ours = signers(pki, by);
        let (mails, rounds) = (MAILS.0 / MAILS.1, MAILS.1);
        let (mut theirs, mut times) = (vec![], vec![vec![]; ours.len()]);
        for round in 0..rounds {
            eprint!("\rsmall mails, {}: round {} of {rounds} ", by.kind, round + 1);
            theirs.push(python.sign(mails));
            for ((_, signer), times) in ours.iter().zip(&mut times) {
                times.push(sign(signer, &text, mails));
            }
        }
        eprintln!();
        let per_second = |times: &[f64]| f64::from(mails) / median(times.to_vec());
        println!("| libcrypto, by Python's cryptography | {} | {:.0} | 1.00 |", by.kind, per_second(&theirs));
        for ((name, _), times) in ours.iter().zip(times) {
            let speed = median(theirs.iter().zip(&times).map(|(theirs, ours)| theirs / ours).collect());
            println!("| sealpost, {name} | {} | {:.0} | {speed:.2} |", by.kind, per_second(&times));
        }
    }
    println!();
}

/// A process that signs one mail again and again.
struct Python {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// `None` if there is no Python with `cryptography`.
    fn start(pki: &Pki, by: &Identity, entity: &[u8]) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(folder.join("../interop/python/venv/bin/python"));
        command.arg(folder.join("small_mails.py")).args([&by.key, &by.certificate, &pki.issuing]);
        let pipes = command.arg(pki.scratch().file(entity)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut child) = pipes.spawn() else {
            println!("\nPython's cryptography is missing: cargo xtask test installs it\n");
            return None;
        };
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, answers })
    }

    /// CPU seconds for so many.
    fn sign(&mut self, mails: u32) -> f64 {
        writeln!(self.child.stdin.as_mut().unwrap(), "{mails}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().parse().unwrap()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

/// Ours with each library that has the key.
fn signers(pki: &Pki, by: &Identity) -> Vec<(&'static str, Signer)> {
    let certificate = |path: &Path| Certificate::from_der(&pem(path)).unwrap();
    let scheme = |by: &Identity| {
        if by.is_rsa() { SignatureScheme::RsaPkcs1(Digest::Sha256) } else { SignatureScheme::Ecdsa(Digest::Sha256) }
    };
    let key = SoftwareKey::read(&fs::read(&by.key).unwrap(), None, &Limits::default()).unwrap();
    let keys = [("RustCrypto", key.signing().unwrap())];
    let chain = [certificate(&pki.issuing)];
    let signer = |key| Signer::new(certificate(&by.certificate), key, scheme(by)).unwrap().chain(&chain);
    keys.into_iter().map(|(name, key)| (name, signer(key))).collect()
}

/// The DER in a PEM file.
fn pem(path: &Path) -> Vec<u8> {
    let text = fs::read_to_string(path).unwrap();
    STANDARD.decode(text.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

/// CPU seconds for so many.
fn sign(signer: &Signer, mail: &[u8], mails: u32) -> f64 {
    let start = cpu(UsageWho::RUSAGE_SELF);
    for _ in 0..mails {
        let mut signed = Vec::new();
        let time = UnixTime(1_795_766_400);
        let _ = signer.sign(&mut Cursor::new(mail), time, &mut UnwrapErr(SysRng), &mut signed).unwrap();
        std::hint::black_box(signed);
    }
    cpu(UsageWho::RUSAGE_SELF) - start
}

/// User and system time in seconds.
fn cpu(who: UsageWho) -> f64 {
    let usage = getrusage(who).unwrap();
    let times = [usage.user_time(), usage.system_time()].map(|time| time.num_microseconds());
    times.iter().map(|time| f64::from(i32::try_from(*time).unwrap()) / 1e6).sum()
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

/// Our tool as it is released, beside this bench's own folder.
fn tool() -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--release", "--locked", "-p", "sealpost-cli"]);
    assert!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success(), "sealpost-cli");
    let bench = env::current_exe().unwrap();
    bench.parent().and_then(Path::parent).unwrap().join("sealpost")
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
