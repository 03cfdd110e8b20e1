//! Postfix, in folders of its own.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use crate::{
    certificates::Certificate,
    program::{Daemon, eventually, ids, run, tail},
    zones,
};

/// What every instance has, with its folder for `{}`, and the domains that it has mailboxes for.
const COMMON: &str = "\
compatibility_level = 3.6
queue_directory = {}/queue
data_directory = {}/data
maillog_file = /dev/stdout
maillog_file_prefixes = {}, /dev/stdout
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_tls_loglevel = 1
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
smtp_host_lookup = dns
smtp_connect_timeout = 5s
smtp_helo_timeout = 10s
smtp_starttls_timeout = 10s
inet_interfaces = 127.0.0.1
virtual_mailbox_domains = {boxes}
virtual_mailbox_base = {}/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
";

/// The services of every instance.
const SERVICES: &str = "\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";

/// A running Postfix.
#[derive(Debug)]
pub struct Postfix {
    folder: PathBuf,
    daemon: Daemon,
}

impl Postfix {
    /// Starts one in `folder`, with these lines in `main.cf` and in `master.cf` besides those that all have. What is for
    /// one of the domains `boxes` is put into its one box.
    ///
    /// # Panics
    ///
    /// If it does not come up.
    #[must_use]
    pub fn start(folder: &Path, boxes: &str, main: &str, master: &str) -> Self {
        let settings = folder.join("etc");
        for part in ["etc", "queue", "data", "mail"] {
            fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        let owner = |user: &str, part: &str| {
            let (user, group) = ids(user);
            chown(folder.join(part), Some(user), Some(group)).expect("its folder becomes Postfix's");
        };
        owner("postfix", "data");
        chown(folder.join("mail"), Some(65534), Some(65534)).expect("the folder becomes that of the mailboxes");
        let common = COMMON.replace("{}", &folder.display().to_string()).replace("{boxes}", boxes);
        fs::write(settings.join("main.cf"), common + main).expect("main.cf");
        fs::write(settings.join("master.cf"), SERVICES.to_owned() + master).expect("master.cf");
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        // What is wrong with its settings Postfix says only to a terminal.
        let mut start = Command::new("script");
        let command = format!("exec postfix -c {} start-fg", settings.display());
        start.args(["--quiet", "--return", "--flush", "--command", &command, "/dev/null"]);
        let parent = folder.parent().expect("a folder around it");
        let mut daemon = Daemon::start(&name, parent, &mut start);
        daemon.wait_until(|log| log.contains("daemon started"));
        Self { folder: folder.to_owned(), daemon }
    }

    /// Where `main.cf` is.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.folder.join("etc")
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.daemon.log()
    }

    /// Changes a setting of `main.cf`, and waits until it is in force.
    ///
    /// # Panics
    ///
    /// If that fails.
    pub fn change(&self, setting: &str) {
        run(Command::new("postconf").arg("-c").arg(self.settings()).args(["-e", setting]));
        let reloads = || self.log().matches("reload -- version").count();
        let before = reloads();
        run(Command::new("postfix").arg("-c").arg(self.settings()).arg("reload"));
        eventually("Postfix reads its settings anew", || (reloads() > before).then_some(()));
    }

    /// Tries again to send all that waits.
    ///
    /// # Panics
    ///
    /// If it can't be told.
    pub fn flush(&self) {
        run(Command::new("postqueue").arg("-c").arg(self.settings()).arg("-f"));
    }

    /// How many mails wait.
    ///
    /// # Panics
    ///
    /// If it can't be asked.
    #[must_use]
    pub fn waiting(&self) -> usize {
        run(Command::new("postqueue").arg("-c").arg(self.settings()).arg("-j")).lines().count()
    }

    /// The mails that have come, in which all of `parts` are.
    #[must_use]
    pub fn mails(&self, parts: &[&str]) -> Vec<String> {
        let files = fs::read_dir(self.folder.join("mail/inbox/new")).into_iter().flatten().flatten();
        let mails = files.filter_map(|file| fs::read_to_string(file.path()).ok());
        mails.filter(|mail| parts.iter().all(|part| mail.contains(part))).collect()
    }

    /// The mail that comes, in which all of `parts` are.
    ///
    /// # Panics
    ///
    /// If none comes in time.
    #[must_use]
    pub fn mail(&self, parts: &[&str]) -> String {
        eventually(&format!("a mail with {parts:?}"), || self.mails(parts).pop())
    }

    /// The line of its log, in which all of `parts` are.
    ///
    /// # Panics
    ///
    /// If none comes in time.
    #[must_use]
    pub fn line(&self, parts: &[&str]) -> String {
        let log = || self.log().lines().find(|line| parts.iter().all(|part| line.contains(part))).map(str::to_owned);
        eventually(&format!("a line with {parts:?}"), log)
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("--- the end of the log of {}:\n{}", self.folder.display(), tail(&self.log()));
        }
    }
}

/// The receiving hosts, in one Postfix: the one with STARTTLS, the one without, the one with TLS 1.0 only, the
/// alternate route, which takes nothing in clear, and the one with a certificate of nobody known. All that they get
/// is put into one box, with what is known about its TLS.
pub(crate) fn receivers(folder: &Path, hosts: &Certificate, stranger: &Certificate) -> Postfix {
    let host = |address: &str, name: &str, more: &str| {
        format!("{address}:25 inet n - n - - smtpd -o myhostname={name} -o syslog_name=postfix/{name} {more}\n")
    };
    let chain = |certificate: &Certificate| {
        let (key, certificate) = (certificate.key.display(), certificate.certificate.display());
        format!("smtpd_tls_chain_files={key},{certificate}")
    };
    let old = "-o smtpd_tls_protocols=TLSv1 -o tls_medium_cipherlist=ALL:@SECLEVEL=0";
    let master = [
        host(zones::GOOD, "mx.good.example", ""),
        host(zones::PLAIN, "mx.plain.example", "-o smtpd_tls_security_level=none"),
        host(zones::OLD, "mx.old.example", old),
        host(zones::ROUTE, "mx.route.example", "-o smtpd_tls_security_level=encrypt"),
        host(zones::STRANGER, "mx.stranger.example", &format!("-o {}", chain(stranger))),
    ];
    let main = format!("myhostname = mx.good.example\nsmtpd_tls_security_level = may\n{}\n", chain(hosts));
    Postfix::start(folder, "static:all", &main, &master.concat())
}
