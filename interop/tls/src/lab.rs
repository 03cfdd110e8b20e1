//! All that is in the room.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
};

use crate::{
    attacker::{MailAttacker, NameAttacker},
    capture::Capture,
    certificates::{Authority, Certificate},
    dns,
    policies::Policies,
    postfix::{self, Postfix},
    program::{Daemon, tail},
    room::REPORT,
    zones,
};

/// DNS, the receiving hosts, and the attackers.
#[derive(Debug)]
pub struct Lab {
    folder: PathBuf,
    authority: Authority,
    hosts: Certificate,
    receivers: Postfix,
    server: Daemon,
    resolver: Mutex<Daemon>,
    /// On the wire between those who ask and the resolver.
    pub near: NameAttacker,
    /// On the wire between the resolver and the server of the zones.
    pub far: NameAttacker,
    /// On the wire to the attacked hosts, `mx.attacked.example` and `mx.dane-attacked.example`.
    pub attacker: MailAttacker,
}

impl Lab {
    pub(crate) fn set_up(folder: &Path) -> Self {
        let authority = Authority::new(&folder.join("certificates"), "authority");
        let strange = Authority::new(&folder.join("certificates"), "strange");
        let names = zones::host_names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (hosts, stranger) = (authority.certify("hosts", &names), strange.certify("stranger", &names));
        dns::sign(&folder.join("dns"), &hosts.spki_sha256());
        let near = NameAttacker::start(dns::NEAR, dns::RESOLVER);
        let far = NameAttacker::start(dns::FAR, dns::SERVER);
        let server = dns::start_server(&folder.join("dns"));
        let resolver = Mutex::new(dns::start_resolver(&folder.join("dns")));
        let receivers = postfix::receivers(&folder.join("receivers"), &hosts, &stranger);
        Self {
            folder: folder.to_owned(),
            authority,
            hosts,
            receivers,
            server,
            resolver,
            near,
            far,
            attacker: MailAttacker::start(),
        }
    }

    /// The folder that all is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The certificate of the authority that the hosts have theirs from, in PEM.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.authority.root()
    }

    /// The file with the key of DNS's root, as a record.
    #[must_use]
    pub fn anchor(&self) -> PathBuf {
        self.folder.join("dns").join(dns::ANCHOR)
    }

    /// The receiving hosts.
    #[must_use]
    pub const fn receivers(&self) -> &Postfix {
        &self.receivers
    }

    /// Starts another Postfix with boxes for these domains, and with these lines in `main.cf` and in `master.cf` besides
    /// those that all have. Its folder may be there already, with further files.
    ///
    /// # Panics
    ///
    /// If it does not come up.
    #[must_use]
    pub fn postfix(&self, name: &str, boxes: &str, main: &str, master: &str) -> Postfix {
        Postfix::start(&self.folder.join(name), boxes, main, master)
    }

    /// What `posttls-finger`, Postfix's own look at a domain's hosts, says about this one at this level of security.
    ///
    /// # Panics
    ///
    /// If it can't be started.
    #[must_use]
    pub fn finger(&self, level: &str, domain: &str) -> String {
        let mut finger = Command::new("posttls-finger");
        finger.env("MAIL_CONFIG", self.receivers.settings()).args(["-c", "-l", level, "-F"]).arg(self.root());
        let output = finger.arg(domain).stdin(Stdio::null()).output().expect("posttls-finger");
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat()
    }

    /// Has the resolver forget all: it remembers failures for some seconds.
    ///
    /// # Panics
    ///
    /// If it does not come up again.
    pub fn forget(&self) {
        let mut resolver = self.resolver.lock().unwrap();
        resolver.stop();
        *resolver = dns::start_resolver(&self.folder.join("dns"));
    }

    /// Starts a server of HTTPS for `sts.example` that hands out this policy of MTA-STS.
    ///
    /// # Panics
    ///
    /// If it does not come up.
    #[must_use]
    pub fn policies(&self, policy: &str) -> Policies {
        Policies::start(&self.folder.join("policies"), &self.hosts, policy)
    }

    /// Starts to record what passes on the wire.
    ///
    /// # Panics
    ///
    /// If that can't be.
    #[must_use]
    pub fn capture(&self, name: &str) -> Capture {
        Capture::start(&self.folder, name)
    }

    /// Has a line be shown although the test passes.
    pub fn report(&self, line: &str) {
        // The harness of tests may be within a line.
        println!("\n{REPORT}{line}");
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if thread::panicking() {
            let resolver = self.resolver.lock().unwrap_or_else(PoisonError::into_inner).log();
            for (name, log) in [("nsd", self.server.log()), ("unbound", resolver)] {
                println!("--- the end of the log of {name}:\n{}", tail(&log));
            }
        }
    }
}
