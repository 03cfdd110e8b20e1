//! Namespaces that a test runs in.

use std::{
    env, fs,
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio, exit},
    thread,
    time::Duration,
};

use sealpost_testkit::missing;

use crate::{lab::Lab, program};

/// Which test runs inside.
const TEST: &str = "SEALPOST_LAB_TEST";

/// The folder, empty, that everything is put into.
const FOLDER: &str = "SEALPOST_LAB_FOLDER";

/// What a line starts with that is to be seen although the test passes.
pub(crate) const REPORT: &str = "REPORT: ";

/// No test takes so long, if nothing hangs.
const LIMIT: Duration = Duration::from_mins(2);

/// Programs, and the Debian packages that bring them.
const PROGRAMS: [(&str, &str); 9] = [
    ("postfix", "postfix"),
    ("nsd", "nsd"),
    ("unbound", "unbound"),
    ("ldns-keygen", "ldnsutils"),
    ("ldns-signzone", "ldnsutils"),
    ("tcpdump", "tcpdump"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("openssl", "openssl"),
];

/// Runs `body`, which is all of the test with the path `test`, in a lab. Where programs or rights are missing the test
/// is skipped, which is said.
///
/// The test runs itself a second time, in namespaces of its own: of the network, so that there is only loopback; of
/// mounts, so that it has other settings of DNS; of processes, so that all of them end with it.
///
/// # Panics
///
/// If the test fails inside.
pub fn inside(test: &str, body: impl FnOnce(&Lab)) {
    if env::var(TEST).is_ok_and(|name| name == test) {
        furnish(Path::new(&env::var_os(FOLDER).expect("a folder")), body);
    } else if let Some((program, package)) = PROGRAMS.iter().find(|(program, _)| program::find(program).is_none()) {
        missing(&format!("{program} (Debian's package {package})"));
    } else if !rooms_can_be_made() {
        missing("the right to make namespaces (root, or sudo without a password)");
    } else {
        enter(test);
    }
}

fn unshare() -> Command {
    let mut command = if is_root() { Command::new("unshare") } else { Command::new("sudo") };
    if !is_root() {
        command.args(["-n", "unshare"]);
    }
    command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn rooms_can_be_made() -> bool {
    let quiet = unshare().arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// Runs the test a second time, inside.
fn enter(test: &str) {
    let folder = tempfile::Builder::new().prefix("sealpost-lab").tempdir().expect("a folder");
    let mut said = tempfile::tempfile().expect("a file for what it says");
    let mut second = unshare()
        .arg("env")
        .arg(format!("{TEST}={test}"))
        .arg(format!("{FOLDER}={}", folder.path().display()))
        .arg(format!("PATH={}", program::path()))
        .arg("RUST_BACKTRACE=0")
        .arg(env::current_exe().expect("the test's program"))
        .args([test, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"])
        // It ends when this is closed, however we end.
        .stdin(Stdio::piped())
        .stdout(said.try_clone().expect("the same file"))
        .stderr(said.try_clone().expect("the same file"))
        .spawn()
        .expect("it starts");
    // `wait` would close it.
    let input = second.stdin.take();
    let status = second.wait().expect("it ends");
    drop(input);
    let mut text = Vec::new();
    said.rewind().and_then(|()| said.read_to_end(&mut text)).expect("what it said");
    let text = String::from_utf8_lossy(&text);
    let passed = status.success() && text.contains("1 passed");
    if !passed {
        print!("{text}");
    }
    for line in text.lines().filter_map(|line| line.strip_prefix(REPORT)) {
        // Not through `eprintln`, which the harness of tests keeps to itself.
        writeln!(io::stderr(), "{line}").expect("standard error");
    }
    assert!(passed, "{test}: it failed in its room ({status}); what it said is above");
}

/// Inside: makes the room what it is to be.
fn furnish(folder: &Path, body: impl FnOnce(&Lab)) {
    end_with_the_other();
    let mount = |arguments: &[&str], at: &Path| program::run(Command::new("mount").args(arguments).arg(at));
    // In memory: it is gone with the namespace, and nothing waits for a disk.
    mount(&["-t", "tmpfs", "-o", "mode=755,size=256m", "tmpfs"], folder);
    program::run(Command::new("ip").args(["link", "set", "lo", "up"]));
    for (file, text) in [
        ("resolv.conf", "nameserver 127.0.0.54\noptions trust-ad edns0 timeout:1 attempts:2\n"),
        ("hosts", "127.0.0.1 localhost\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"),
    ] {
        let (ours, theirs) = (folder.join(file), PathBuf::from("/etc").join(file));
        fs::write(&ours, text).expect("a file of settings");
        assert!(theirs.exists(), "{} is missing: it can't be replaced for the test", theirs.display());
        mount(&["--bind", &ours.display().to_string()], &theirs);
    }
    body(&Lab::set_up(folder));
}

/// Inside: ends all when the test outside has ended, or when it takes too long. We are the first process in our
/// namespace, so that all others end with us.
fn end_with_the_other() {
    thread::spawn(|| {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        exit(1);
    });
    thread::spawn(|| {
        thread::sleep(LIMIT);
        println!("it took longer than {} seconds", LIMIT.as_secs());
        exit(1);
    });
}
