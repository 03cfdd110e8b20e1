//! The peers that the interop tests talk to, and what else a fresh Debian lacks. What is there is left alone.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::shell::{Result, cargo, on_path, root, step, succeeds};

/// A Debian package, and whether what we want of it is there, wherever it came from.
type Package = (&'static str, fn() -> bool);

const FOR_TESTS: [Package; 24] = [
    ("gnupg", || on_path("gpg")),
    ("nodejs", || on_path("node")),
    ("npm", || on_path("npm")),
    PYTHON,
    // The peers of S/MIME; the programs for BouncyCastle are compiled when they are run.
    OPENSSL,
    ("gpgsm", || on_path("gpgsm")),
    ("libnss3-tools", || ["certutil", "cmsutil", "pk12util"].into_iter().all(on_path)),
    ("libbcmail-java", bouncycastle_is_there),
    ("default-jdk-headless", || on_path("javac")),
    CC,
    CPLUSPLUS,
    ("softhsm2", || on_path("softhsm2-util")),
    // The tests start servers of their own, without a port. The one that Debian may start is left alone.
    ("postgresql", postgresql_is_there),
    // What Kryoptic is built with.
    ("pkg-config", || on_path("pkg-config")),
    ("libssl-dev", || succeeds(Command::new("pkg-config").args(["--exists", "openssl"]))),
    ("libsqlite3-dev", || succeeds(Command::new("pkg-config").args(["--exists", "sqlite3"]))),
    ("libclang-dev", clang_can_be_loaded),
    VALGRIND,
    // Mail and DNS as they are, with namespaces to be in. The tests start servers of their own.
    ("postfix", || in_sbin("postfix")),
    ("nsd", || in_sbin("nsd")),
    ("unbound", || in_sbin("unbound")),
    ("ldnsutils", || ["ldns-keygen", "ldns-signzone"].into_iter().all(on_path)),
    ("tcpdump", || in_sbin("tcpdump")),
    ("iproute2", || in_sbin("ip")),
];

const PYTHON: Package = ("python3-venv", python_makes_venvs);

const OPENSSL: Package = ("openssl", || on_path("openssl"));

const CC: Package = ("gcc", || on_path("cc"));

/// What runs the functions that take secrets.
const VALGRIND: Package = ("valgrind", || on_path("valgrind"));

/// libFuzzer, which the fuzz targets build, is written in C++.
const CPLUSPLUS: Package = ("g++", || on_path("c++"));

const CARGO_FUZZ: &str = "0.13.2";

/// Installs all that the tests need.
pub(crate) fn for_tests() -> Result {
    debian(&FOR_TESTS)?;
    node()?;
    python()?;
    kryoptic()
}

/// Installs all that counting instructions needs.
pub(crate) fn for_counting() -> Result {
    debian(&[VALGRIND])
}

/// Installs all that the benches need: some of what they compare with is written in C, some in Python.
pub(crate) fn for_benches() -> Result {
    debian(&[CC, OPENSSL, PYTHON])?;
    python()
}

/// Installs all that fuzzing needs.
pub(crate) fn for_fuzzing() -> Result {
    debian(&[CPLUSPLUS])?;
    if succeeds(&mut cargo(&["fuzz", "--version"])) {
        return Ok(());
    }
    step("install cargo-fuzz", &mut cargo(&["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ]))
}

fn debian(packages: &[Package]) -> Result {
    let missing: Vec<&str> = packages.iter().filter(|(_, is_there)| !is_there()).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !on_path("apt-get") {
        return Err(format!("please install what Debian calls: {names}"));
    }
    let as_root = is_root();
    if !as_root && !on_path("sudo") {
        return Err(format!("please install as root, for there is no sudo: apt-get install {names}"));
    }
    step("update the list of Debian packages", apt_get(as_root).arg("update"))?;
    step(&format!("install Debian packages: {names}"), quiet_install(as_root).args(missing))
}

/// Installs the packages that are its arguments. What of them is a daemon is not started; mail and DNS not even when the
/// machine starts, and Postfix is not set up. Nothing that is there is removed: another mail server, say.
const QUIET_INSTALL: &str = r#"
set -e
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
for package; do
    case "$package" in
        postfix) echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections ;;
    esac
done
apt-get install --yes --no-install-recommends --no-remove "$@"
for package; do
    case "$package" in
        postfix | nsd | unbound) systemctl disable --quiet "$package" 2>&1 || true ;;
    esac
done
"#;

fn quiet_install(as_root: bool) -> Command {
    let mut command = with_rights(as_root);
    command.args(["sh", "-c", QUIET_INSTALL, "install"]);
    command
}

fn apt_get(as_root: bool) -> Command {
    let mut command = with_rights(as_root);
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    command
}

/// Through `env`, since sudo passes no variables on.
fn with_rights(as_root: bool) -> Command {
    let mut command = Command::new(if as_root { "env" } else { "sudo" });
    if !as_root {
        command.arg("env");
    }
    command
}

/// Debian puts what administrators run there, which is not on everyone's path.
fn in_sbin(program: &str) -> bool {
    on_path(program) || Path::new("/usr/sbin").join(program).is_file()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// It needs the others and JavaMail, which Debian installs with it.
fn bouncycastle_is_there() -> bool {
    Path::new("/usr/share/java/bcmail.jar").is_file()
}

/// Debian puts it beside the path, in a folder for each version.
fn postgresql_is_there() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.into_iter().any(|version| version.path().join("bin/initdb").is_file())
}

/// Debian has `venv` with Python, but `ensurepip`, without which it fails, in a package of its own.
fn python_makes_venvs() -> bool {
    succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]))
}

fn node() -> Result {
    let folder = root().join("interop/node");
    // npm writes this list when all is in place.
    if is_current(&folder.join("node_modules/.package-lock.json"), &folder.join("package-lock.json")) {
        return Ok(());
    }
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    step("install Node peers: npm ci in interop/node", Command::new("npm").args(arguments).current_dir(folder))
}

fn python() -> Result {
    let folder = root().join("interop/python");
    let (venv, requirements) = (folder.join("venv"), folder.join("requirements.txt"));
    let installed = venv.join("installed");
    if is_current(&installed, &requirements) {
        return Ok(());
    }
    let make_venv = &mut Command::new("python3");
    step("make interop/python/venv", make_venv.args(["-m", "venv", "--clear"]).arg(&venv))?;
    let pip = &mut Command::new(venv.join("bin/pip"));
    step("install Python peers: requirements.txt of interop/python", pip.args(["install", "-r"]).arg(requirements))?;
    fs::write(&installed, "").map_err(|error| format!("{}: {error}", installed.display()))
}

/// A PKCS#11 module, built from its crate.
fn kryoptic() -> Result {
    let folder = root().join("interop/kryoptic");
    let (manifest, target) = (folder.join("Cargo.toml"), folder.join("target"));
    // cargo knows what is current.
    let build = &mut cargo(&["build", "--quiet", "--locked", "--package", "kryoptic"]);
    let build = build.arg("--manifest-path").arg(manifest).arg("--target-dir").arg(target);
    step("build the PKCS#11 module of interop/kryoptic", build)
}

/// Where Debian puts it, or where the environment says.
fn clang_can_be_loaded() -> bool {
    let library = |folder: &Path| {
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        files.into_iter().any(|file| file.file_name().to_string_lossy().starts_with("libclang.so"))
    };
    let versions = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    env::var_os("LIBCLANG_PATH").is_some() || versions.into_iter().any(|version| library(&version.path().join("lib")))
}

/// Whether `made` is there and not older than its `source`.
fn is_current(made: &Path, source: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    matches!((modified(made), modified(source)), (Ok(made), Ok(source)) if made >= source)
}
