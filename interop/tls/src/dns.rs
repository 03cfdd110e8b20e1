//! DNS: nsd with signed zones, and unbound, which proves what they say.

use std::{fs, net::UdpSocket, path::Path, process::Command, time::Duration};

use crate::{
    program::{Daemon, command, run},
    zones,
};

/// Where clients ask: the attacker on the way to [`RESOLVER`].
pub(crate) const NEAR: &str = "127.0.0.54:53";
/// Where unbound is.
pub(crate) const RESOLVER: &str = "127.0.0.52:53";
/// Where unbound asks: the attacker on the way to [`SERVER`].
pub(crate) const FAR: &str = "127.0.0.51:53";
/// Where nsd is.
pub(crate) const SERVER: &str = "127.0.0.53:53";

/// The file with the key of the root, which is to be trusted.
pub(crate) const ANCHOR: &str = "anchor.key";

/// Makes and signs the zones; `digest` is that of the hosts' key.
pub(crate) fn sign(folder: &Path, digest: &str) {
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("example."), zones::example(digest)).expect("a zone");
    let example = sign_zone(folder, "example.");
    let proofs = run(command("ldns-key2ds", folder).args(["-n", "-2", &format!("{example}.key")]));
    fs::write(folder.join("root"), zones::root(&proofs)).expect("a zone");
    let root = sign_zone(folder, "root");
    fs::copy(folder.join(format!("{root}.key")), folder.join(ANCHOR)).expect("the trust anchor");
    for name in ["insecure", "bogus"] {
        fs::write(folder.join(format!("{name}.signed")), zones::unsigned(name)).expect("a zone");
    }
    fs::write(folder.join("below.signed"), zones::below(digest)).expect("a zone");
}

/// Signs the zone in `file`; the name of its key.
fn sign_zone(folder: &Path, file: &str) -> String {
    let name = if file == "root" { "." } else { file };
    let generate = ["-a", "ECDSAP256SHA256", "-r", "/dev/urandom", "-k", name];
    let key = run(command("ldns-keygen", folder).args(generate)).trim().to_owned();
    let signed = format!("{}.signed", file.trim_end_matches('.'));
    run(command("ldns-signzone", folder).args(["-o", name, "-f", &signed, file, &key]));
    key
}

/// Starts the server of the zones.
pub(crate) fn start_server(folder: &Path) -> Daemon {
    let mut settings = format!(
        "server:\n ip-address: 127.0.0.53\n username: \"\"\n chroot: \"\"\n zonesdir: \"{0}\"\n database: \"\"\n \
         pidfile: \"{0}/nsd.pid\"\n zonelistfile: \"{0}/zone.list\"\n xfrdfile: \"{0}/xfrd.state\"\n xfrdir: \"{0}\"\n \
         server-count: 1\n rrl-ratelimit: 0\nremote-control:\n control-enable: no\n",
        folder.display()
    );
    for (zone, file) in [
        (".", "root"),
        ("example.", "example"),
        ("insecure.", "insecure"),
        ("bogus.", "bogus"),
        ("_25._tcp.mx.broken.example.", "below"),
    ] {
        settings.push_str(&format!("zone:\n name: \"{zone}\"\n zonefile: \"{file}.signed\"\n"));
    }
    let file = folder.join("nsd.conf");
    fs::write(&file, settings).expect("settings of nsd");
    let mut server = Daemon::start("nsd", folder, Command::new("nsd").arg("-d").arg("-c").arg(file));
    server.wait_until(|_| answers(SERVER, "good.example"));
    server
}

/// Starts the resolver that proves, or fails. It keeps nothing for longer than a second, nor remembers which server
/// did not answer.
pub(crate) fn start_resolver(folder: &Path) -> Daemon {
    let settings = format!(
        "server:\n interface: 127.0.0.52\n username: \"\"\n chroot: \"\"\n directory: \"{0}\"\n pidfile: \"\"\n \
         use-syslog: no\n do-daemonize: no\n do-ip6: no\n do-not-query-localhost: no\n num-threads: 1\n \
         access-control: 127.0.0.0/8 allow\n trust-anchor-file: \"{0}/{ANCHOR}\"\n module-config: \"validator iterator\"\n \
         cache-max-ttl: 0\n cache-max-negative-ttl: 0\n val-bogus-ttl: 0\n infra-host-ttl: 0\n \
         infra-keep-probing: yes\n edns-buffer-size: 4096\n log-servfail: yes\n \
         unblock-lan-zones: yes\n insecure-lan-zones: yes\n\
         remote-control:\n control-enable: no\nstub-zone:\n name: \".\"\n stub-addr: 127.0.0.51\n stub-prime: no\n",
        folder.display()
    );
    let file = folder.join("unbound.conf");
    fs::write(&file, settings).expect("settings of unbound");
    let mut resolver = Daemon::start("unbound", folder, Command::new("unbound").arg("-d").arg("-c").arg(file));
    resolver.wait_until(|_| answers(NEAR, "good.example"));
    resolver
}

/// Whether the server at `address` gives MX records for `domain`.
fn answers(address: &str, domain: &str) -> bool {
    let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in domain.split('.') {
        query.push(u8::try_from(label.len()).expect("a short label"));
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 15, 0, 1]);
    let ask = || {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        socket.send_to(&query, address)?;
        let mut reply = [0; 4096];
        let length = socket.recv(&mut reply)?;
        std::io::Result::Ok(reply[..length].to_vec())
    };
    // An answer, without an error, with at least one record.
    ask().is_ok_and(|reply| reply.len() > 12 && reply[3] % 16 == 0 && reply[7] > 0)
}
