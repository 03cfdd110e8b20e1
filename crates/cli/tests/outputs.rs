//! What becomes of the place that an output names: files, links, pipes, devices.

#![cfg(test)]

use std::{
    fs::{self, File, Permissions},
    io::Read,
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink},
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

#[path = "support/fixture.rs"]
mod fixture;

use fixture::{BOB, Fixture, MESSAGE, TEXT, fails, mode, ok, run, stderr};

/// A command that writes to a path, without that path, and what it writes.
struct Case {
    command: Vec<String>,
    writes: Vec<u8>,
}

impl Case {
    fn new(command: &[&str], writes: Vec<u8>) -> Self {
        Self { command: command.iter().map(|word| (*word).to_owned()).collect(), writes }
    }

    fn to<'a>(&'a self, out: &'a str) -> Vec<&'a str> {
        self.command.iter().map(String::as_str).chain([out]).collect()
    }

    /// With the shell's help: `$0` is the tool, `$@` are the arguments with `out` behind them.
    fn shell(&self, script: &str, out: &str) -> Output {
        Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_sealpost")]).args(self.to(out)).output().unwrap()
    }
}

/// All commands with an output: transform, decrypt, import, export.
fn cases(f: &Fixture) -> [Case; 4] {
    let (instance, key, message) = (f.instance(), f.key(), f.vector(MESSAGE));
    let (proton, forwarded) = (f.path("proton.json"), f.path("forwarded.asc"));
    let exported = ok(&["forward", "export", "--proton", &instance]).stdout;
    fs::write(&proton, &exported).unwrap();
    ok(&["forward", "import", "--proton", &proton, "--out", &f.path("imported.json")]);
    ok(&["forward", "transform", "--instance", &instance, &message, &forwarded]);
    [
        Case::new(&["forward", "transform", "--instance", &instance, &message], fs::read(&forwarded).unwrap()),
        Case::new(&["forward", "decrypt", "--key", &key, &forwarded], TEXT.to_vec()),
        Case::new(&["forward", "import", "--proton", &proton, "--out"], fs::read(f.path("imported.json")).unwrap()),
        Case::new(&["forward", "export", "--proton", &instance, "--out"], exported),
    ]
}

fn fifo(path: &str) -> File {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    // Open for both, so that no open waits for the other end; without blocking, so that no read does.
    let nonblock = 0o4000;
    File::options().read(true).write(true).custom_flags(nonblock).open(path).unwrap()
}

fn is_link(path: &str) -> bool {
    fs::symlink_metadata(path).unwrap().is_symlink()
}

#[test]
fn pipes_and_devices_are_written_and_stay() {
    let Some(f) = Fixture::new() else { return };
    let (pipe, link) = (f.path("pipe"), f.path("link"));
    let mut reader = fifo(&pipe);
    symlink("pipe", &link).unwrap();
    for case in &cases(&f) {
        for out in [&pipe, &link] {
            ok(&case.to(out));
            assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo(), "{:?}", case.command);
            assert!(is_link(&link), "{:?}", case.command);
            let mut got = Vec::new();
            // There is never an end, only nothing more.
            reader.read_to_end(&mut got).unwrap_err();
            assert_eq!(got, case.writes, "{:?}", case.command);
        }
        fails(1, &["/dev/full: can't write", "No space left"], &case.to("/dev/full"));
        assert!(fs::symlink_metadata("/dev/full").unwrap().file_type().is_char_device());
        fails(1, &["/proc/not-there", "No such file"], &case.to("/proc/not-there"));
    }
}

#[test]
fn what_the_tool_was_started_with_is_never_replaced() {
    let Some(f) = Fixture::new() else { return };
    let (file, link) = (f.path("file"), f.path("link"));
    symlink("/dev/stdout", &link).unwrap();
    for case in &cases(&f) {
        // In this order: had the first replaced its path, only the test's own link would be lost.
        for out in [&link, "/proc/self/fd/1", "/dev/fd/1", "/dev/stdout"] {
            fs::write(&file, "before ").unwrap();
            let inode = fs::metadata(&file).unwrap().ino();
            let output = case.shell(&format!("exec \"$0\" \"$@\" >> '{file}'"), out);
            assert!(output.status.success(), "{out}: {}", stderr(&output));
            assert!(is_link(&link) && is_link("/dev/stdout"), "{out}");
            assert_eq!(fs::metadata(&file).unwrap().ino(), inode, "{out}");
            assert_eq!(fs::read(&file).unwrap(), [b"before ", &case.writes[..]].concat(), "{out}");
        }
    }
}

#[test]
fn links_stay_and_the_files_behind_them_are_replaced_whole() {
    let Some(f) = Fixture::new() else { return };
    fs::create_dir(f.path("far")).unwrap();
    let (real, near) = (f.path("far/real"), f.path("link"));
    symlink("near", f.path("far/link")).unwrap();
    symlink(&real, f.path("far/near")).unwrap();
    symlink("far/link", &near).unwrap();
    let links = [near.clone(), f.path("far/link"), f.path("far/near")];
    for case in &cases(&f) {
        let _ = fs::remove_file(&real);
        // First the links lead nowhere, then to a file.
        ok(&case.to(&near));
        assert_eq!(fs::read(&real).unwrap(), case.writes);
        fs::write(&real, "old").unwrap();
        // A second name of the old file shows that it was replaced, not overwritten.
        fs::hard_link(&real, f.path("old")).unwrap();
        ok(&case.to(&near));
        assert_eq!((fs::read(&real).unwrap(), fs::read(f.path("old")).unwrap()), (case.writes.clone(), b"old".into()));
        fs::remove_file(f.path("old")).unwrap();
        assert!(links.iter().all(|link| is_link(link)), "{:?}", case.command);
    }
    // A failure leaves the file as it is, and nothing beside it.
    fs::write(&real, "old").unwrap();
    fails(1, &["a3_encrypted_message.asc"], &["forward", "decrypt", "--key", &f.key(), &f.vector(MESSAGE), &near]);
    assert_eq!(fs::read(&real).unwrap(), b"old");
    assert_eq!(fs::read_dir(f.path("far")).unwrap().count(), 3);
    symlink("round", f.path("round")).unwrap();
    for case in &cases(&f) {
        fails(1, &[&f.path("round"), "symbolic links"], &case.to(&f.path("round")));
        fails(1, &[&f.path("far"), "is a directory"], &case.to(&f.path("far")));
        fails(1, &[&f.path("nowhere/x"), "No such file"], &case.to(&f.path("nowhere/x")));
        fails(1, &[&f.path("nowhere/")], &case.to(&f.path("nowhere/")));
    }
    assert!(!Path::new(&f.path("nowhere")).exists());
}

#[test]
fn only_what_is_no_secret_can_be_read_by_others() {
    let Some(f) = Fixture::new() else { return };
    let cases = cases(&f);
    // New, and in the place of a file with mode 0604.
    for (case, modes) in cases.iter().zip([[0o640, 0o604], [0o600, 0o604], [0o600; 2], [0o600; 2]]) {
        let out = f.path("out");
        let write = || {
            let output = case.shell("umask 027; exec \"$0\" \"$@\"", &out);
            assert!(output.status.success(), "{}", stderr(&output));
            assert_eq!(fs::read(&out).unwrap(), case.writes);
            mode(&out)
        };
        let new = write();
        fs::set_permissions(&out, Permissions::from_mode(0o604)).unwrap();
        assert_eq!([new, write()], modes, "{:?}", case.command);
        fs::remove_file(&out).unwrap();
    }
}

#[test]
fn an_error_names_the_place_that_it_is_at() {
    let Some(f) = Fixture::new() else { return };
    let cases = cases(&f);
    for case in &cases[..2] {
        let input = case.command.last().unwrap();
        for (output, name) in [
            (run(&case.to("/dev/full"), Stdio::null()), "/dev/full"),
            (case.shell("exec \"$0\" \"$@\" > /dev/full", "-"), "stdout"),
        ] {
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains(&format!("{name}: can't write: No space left")) && !said.contains(input), "{said}");
        }
        let (cut, out) = (f.path("cut"), f.path("out"));
        let whole = fs::read(input).unwrap();
        fs::write(&cut, &whole[..whole.len() - 60]).unwrap();
        let mut args = case.to(&out);
        let place = args.len() - 2;
        args[place] = &cut;
        let output = run(&args, Stdio::null());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("{cut}: ")) && !said.contains(&out), "{said}");
        assert!(!Path::new(&out).exists());
    }
    assert!(f.names().iter().all(|name| !name.starts_with(".sealpost")), "{:?}", f.names());
}

#[test]
fn a_link_to_nowhere_is_in_the_way_of_setup() {
    let Some(f) = Fixture::new() else { return };
    fs::create_dir(f.path("d")).unwrap();
    symlink("nowhere", f.path("d/instance-0.json")).unwrap();
    fails(
        1,
        &["instance-0.json", "is there already"],
        &["forward", "setup", "--key", &f.vector(BOB), "--to", "x", "--out", &f.path("d")],
    );
    assert!(is_link(&f.path("d/instance-0.json")));
    assert_eq!(fs::read_dir(f.path("d")).unwrap().count(), 1);
}

#[test]
fn setup_makes_no_instance_that_is_never_valid() {
    let Some(f) = Fixture::new() else { return };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let [past, soon, later] = [
        now.checked_sub(Duration::from_mins(1)).unwrap(),
        now + Duration::from_mins(10),
        now + Duration::from_mins(11),
    ]
    .map(|time| time.as_secs().to_string());
    let (bob, out) = (f.vector(BOB), f.path("limits"));
    let setup = ["forward", "setup", "--key", &bob, "--to", "x", "--out", &out];
    let with = |limits: &[&'static str], times: &[&str]| -> Vec<String> {
        let limits = limits.iter().zip(times).flat_map(|(limit, time)| [*limit, *time]);
        setup.into_iter().chain(limits).map(str::to_owned).collect()
    };
    let both = ["--not-before", "--not-after"];
    for (args, says) in [
        (with(&both, &[&later, &soon]), ["--not-before", &later, "later than", &soon]),
        (with(&both, &[&past, &past]), ["--not-after", &past, "in the past", &past]),
        (with(&both[1..], &[&past]), ["--not-after", &past, "in the past", &past]),
    ] {
        fails(1, &says, &args.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(!Path::new(&out).exists(), "{args:?}");
    }
    // One second is enough.
    ok(&with(&both, &[&later, &later]).iter().map(String::as_str).collect::<Vec<_>>());
}
