//! Postfix as the documentation sets it up: the settings are read out of `docs/postfix.md`.

use std::{fs, path::Path, thread, time::Duration};

use sealpost_interop_tls::{Lab, postfix::Postfix, program::eventually};

/// The Postfix that takes mail, and the one through which mail with a guarantee leaves.
pub(crate) struct Documented {
    pub(crate) sender: Postfix,
    pub(crate) guarantee: Postfix,
}

/// What the test needs beside what the documentation says: that it may tell who is logged in.
const OURS: &str = "myhostname = mx.home.example
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_tls_security_level = none
";

impl Documented {
    pub(crate) fn start(lab: &Lab) -> Self {
        let folder = lab.folder().join("guarantee/etc");
        fs::create_dir_all(&folder).unwrap();
        // Only paths are others here.
        let block = |name: &str| {
            let block = block(&format!("# {name}\n"));
            let block = block.replace("/etc/ssl/certs/ca-certificates.crt", &lab.root().display().to_string());
            block.replace("/etc/postfix-guarantee", &folder.display().to_string())
        };
        for (file, name) in [("status", "guarantee: status filter"), ("own", "guarantee: own domains")] {
            fs::write(folder.join(file), block(name)).unwrap();
        }
        let ours = "myhostname = guarantee.home.example\n";
        let guarantee = lab.postfix(
            "guarantee",
            "",
            &format!("{ours}{}", block("guarantee: main.cf")),
            &block("guarantee: master.cf"),
        );
        let submission = "127.0.0.1:25 inet n - n - - smtpd\n";
        let sender = lab.postfix(
            "sender",
            "home.example",
            &format!("{OURS}{}", block("main.cf")),
            &format!("{submission}{}", block("master.cf")),
        );
        Self { sender, guarantee }
    }
}

impl Documented {
    /// What became of the first try to deliver a mail with a guarantee: `bounced (...)`, `deferred (...)`, `sent (...)`.
    pub(crate) fn outcome(&self, recipient: &str) -> String {
        let to = format!("to=<{recipient}>");
        eventually(&format!("an outcome of the mail {to}"), || {
            // That one has handed it to the other is none.
            let (sender, guarantee) = (self.sender.log(), self.guarantee.log());
            let lines = guarantee.lines().chain(sender.lines().filter(|line| !line.contains("status=sent")));
            lines
                .filter(|line| line.contains(&to))
                .find_map(|line| Some(line.split_once("status=")?.1.trim().to_owned()))
        })
    }

    /// Has both try again what waits, until nothing does. More than once: a mail whose last try has only just failed
    /// is in no queue that Postfix looks through, and would wait for minutes.
    pub(crate) fn empty(&self) {
        eventually("the queues are empty", || {
            let both = [&self.sender, &self.guarantee];
            if both.iter().all(|postfix| postfix.waiting() == 0) {
                return Some(());
            }
            both.into_iter().for_each(Postfix::flush);
            thread::sleep(Duration::from_secs(1));
            None
        });
    }
}

/// The block of code in the documentation that begins so.
pub(crate) fn block(start: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/postfix.md");
    let text = fs::read_to_string(path).unwrap();
    let mut blocks = text.split("\n```").filter_map(|part| part.split_once('\n')).map(|(_, block)| block);
    let block = blocks.find(|block| block.starts_with(start));
    format!("{}\n", block.unwrap_or_else(|| panic!("docs/postfix.md has no block {start:?}")))
}
