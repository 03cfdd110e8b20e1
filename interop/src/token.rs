//! PKCS#11 tokens, made for one test and removed afterwards.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};

use crate::folder;

/// Names the module to the process that runs a test with it.
const MODULE: &str = "SEALPOST_TEST_MODULE";

/// A new token without a key.
#[derive(Debug)]
pub struct Token {
    /// The PKCS#11 module.
    pub path: PathBuf,
    module: Pkcs11,
    slot: Slot,
}

/// A module, the variable that names its settings, and its settings for a folder.
type Peer = (&'static str, PathBuf, &'static str, fn(&Path) -> String);

fn peers() -> [Peer; 2] {
    [
        ("SoftHSM2", "/usr/lib/softhsm/libsofthsm2.so".into(), "SOFTHSM2_CONF", |folder| {
            format!("directories.tokendir = {}\nlog.level = ERROR\n", folder.display())
        }),
        ("Kryoptic", folder().join("kryoptic/target/debug/libkryoptic_pkcs11.so"), "KRYOPTIC_CONF", |folder| {
            format!("[[slots]]\nslot = 0\ndbtype = 'sqlite'\ndbargs = '{}/token.sql'\n", folder.display())
        }),
    ]
}

impl Token {
    /// Its label.
    pub const LABEL: &str = "forwarding";
    /// The user's PIN.
    pub const PIN: &str = "12345678";

    /// Runs `test` with a token of each module that is there. `name` is that of the test function that calls this: it
    /// runs again in a process of its own, since the modules find their settings in the environment.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn each(name: &str, test: impl FnOnce(&Self)) {
        if let Some(module) = env::var_os(MODULE) {
            return test(&Self::initialize(module.into()));
        }
        for (peer, module, variable, settings) in peers() {
            if !module.is_file() {
                sealpost_testkit::missing(&format!("{peer} (cargo xtask test installs it)"));
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("settings");
            fs::write(&file, settings(folder.path())).unwrap();
            let mut again = Command::new(env::current_exe().unwrap());
            let again = again.args([name, "--exact", "--nocapture"]).env(MODULE, module).env(variable, file);
            let output = again.output().unwrap();
            let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            let passed = output.status.success() && stdout.contains("1 passed");
            assert!(passed, "{name} with {peer}: {}\n{stdout}\n{stderr}", output.status);
        }
    }

    fn initialize(path: PathBuf) -> Self {
        let module = Pkcs11::new(&path).unwrap();
        module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        let pin = AuthPin::new(Self::PIN.into());
        let [slot] = module.get_slots_with_token().unwrap()[..] else { panic!("another token is there") };
        module.init_token(slot, &pin, Self::LABEL).unwrap();
        let labelled = |slot: &Slot| module.get_token_info(*slot).unwrap().label() == Self::LABEL;
        let slot = module.get_slots_with_token().unwrap().into_iter().find(labelled).unwrap();
        let session = module.open_rw_session(slot).unwrap();
        session.login(UserType::So, Some(&pin)).unwrap();
        session.init_pin(&pin).unwrap();
        drop(session);
        Self { path, module, slot }
    }

    /// A session of another part of the same program, logged in.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn session(&self) -> Session {
        let session = self.module.open_rw_session(self.slot).unwrap();
        // The login is one for all sessions of a program.
        let _ = session.login(UserType::User, Some(&AuthPin::new(Self::PIN.into())));
        session
    }
}
