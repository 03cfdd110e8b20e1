//! A server of HTTPS with a policy of MTA-STS (RFC 8461 §3.3), by OpenSSL.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    certificates::Certificate,
    program::{Daemon, command},
    zones,
};

/// The server.
#[derive(Debug)]
pub struct Policies {
    file: PathBuf,
    daemon: Daemon,
}

impl Policies {
    pub(crate) fn start(folder: &Path, certificate: &Certificate, policy: &str) -> Self {
        let well_known = folder.join(".well-known");
        fs::create_dir_all(&well_known).expect("a folder");
        let file = well_known.join("mta-sts.txt");
        fs::write(&file, policy).expect("a policy");
        let mut server = command("openssl", folder);
        server.args(["s_server", "-WWW", "-accept", &format!("{}:443", zones::POLICIES)]);
        server.arg("-cert").arg(&certificate.certificate).arg("-key").arg(&certificate.key);
        let mut daemon = Daemon::start("policies", folder, &mut server);
        daemon.wait_until(|log| log.contains("ACCEPT"));
        Self { file, daemon }
    }

    /// Hands out this policy from now on.
    ///
    /// # Panics
    ///
    /// If it can't be written.
    pub fn publish(&self, policy: &str) {
        fs::write(&self.file, policy).expect("a policy");
    }

    /// Hands out nothing more.
    pub fn stop(mut self) {
        self.daemon.kill();
    }
}
