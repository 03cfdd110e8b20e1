//! `sealpost tls serve` as Postfix asks it, on 127.0.0.1 and without any name server: what needs DNS has to wait.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStderr, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::Site;

const SETTINGS: &str = "version = 1\n[users]\n\"anna@example.net\" = { guarantee = \"on\" }\n";

/// The key of the root of DNS.
const ROOT: &str = ". 172800 IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3\
    +/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBx\
    WezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmS\
    VIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=";

/// The server, stopped when it goes out of use.
struct Server {
    child: Child,
    said: BufReader<ChildStderr>,
    socketmap: String,
    policy: String,
}

impl Server {
    fn start(site: &Site) -> Self {
        Self::start_at(site, "--nameserver 127.0.0.1:9 --anchors root")
    }

    fn start_at(site: &Site, network: &str) -> Self {
        let command = "serve --socketmap 127.0.0.1:0 --policy-service 127.0.0.1:0 --policy s.toml --permissions p \
            --kept kept";
        let mut child = site.tool(&format!("{command} {network}")).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut address = |of: &str| {
            loop {
                let mut line = String::new();
                assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended");
                if let Some(address) = line.trim_end().strip_prefix(of) {
                    return address.to_owned();
                }
            }
        };
        let [socketmap, policy] = ["socketmap on ", "policy service on "].map(&mut address);
        Self { child, said, socketmap, policy }
    }

    fn look_up(&self, map: &str, key: &str) -> String {
        let mut stream = TcpStream::connect(&self.socketmap).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let question = format!("{map} {key}");
        write!(stream, "{}:{question},", question.len()).unwrap();
        let mut len = 0;
        loop {
            let mut octet = [0];
            stream.read_exact(&mut octet).unwrap();
            match octet[0] {
                b':' => break,
                digit => len = len * 10 + usize::from(digit - b'0'),
            }
        }
        let mut answer = vec![0; len + 1];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer.pop(), Some(b','));
        String::from_utf8(answer).unwrap()
    }

    fn submit(&self, user: &str, recipient: &str, instance: &str) -> String {
        let mut stream = TcpStream::connect(&self.policy).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        write!(
            stream,
            "request=smtpd_access_policy\nprotocol_state=DATA\ninstance={instance}\nsasl_username={user}\n\
             sender={user}\nrecipient={recipient}\nrecipient_count=1\n\n"
        )
        .unwrap();
        let mut action = String::new();
        BufReader::new(stream).read_line(&mut action).unwrap();
        action.trim_end().to_owned()
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits until it says this.
    fn hears(&mut self, what: &str) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_mins(1) {
            let mut line = String::new();
            assert_ne!(self.said.read_line(&mut line).unwrap(), 0, "it ended before it said {what:?}");
            if line.contains(what) {
                return;
            }
        }
        panic!("it did not say {what:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn site() -> Site {
    let site = Site::new();
    site.write("s.toml", SETTINGS);
    // With anchors of one's own, names are not looked up to see whether DNSSEC works.
    site.write("root", ROOT);
    site
}

#[test]
fn it_answers_by_its_settings_and_doubts_where_it_knows_nothing() {
    let server = Server::start(&site());
    assert_eq!(server.look_up("transport", "anna@example.net"), "OK guarantee:[127.0.0.1]:10027");
    assert_eq!(server.look_up("transport", "berta@example.net"), "NOTFOUND ");
    let answer = server.look_up("nothing", "example.org");
    assert!(answer.starts_with("PERM ") || answer.starts_with("TEMP "), "{answer}");
    let answer = server.look_up("guarantee", "example.org");
    assert!(answer.starts_with("TEMP "), "{answer}");
    assert_eq!(server.look_up("everyone", "[192.0.2.1]"), "OK may");
    assert!(server.look_up("guarantee", "[192.0.2.1]").starts_with("OK encrypt"));
}

#[test]
fn a_permission_lets_one_mail_go() {
    let site = site();
    let server = Server::start(&site);
    let (user, to) = ("anna@example.net", "b@example.org");
    assert_eq!(server.submit(user, to, "1"), "action=DUNNO");
    let allow = format!("allow --permissions p --settings s.toml --sender {user} --to {to} --mail 9FD2");
    site.says(0, &["may send one mail to b@example.org"], &allow);
    assert_eq!(server.submit("berta@example.net", to, "2"), "action=DUNNO");
    assert_eq!(server.submit(user, to, "3"), "action=FILTER smtp:");
    // Postfix asks anew about the same mail; another one is another one.
    assert_eq!(server.submit(user, to, "3"), "action=FILTER smtp:");
    assert_eq!(server.submit(user, to, "4"), "action=DUNNO");
    assert!(site.read("s.toml.audit").contains("9FD2"));
    // It is over in time.
    site.says(0, &[], &format!("{allow} --minutes 1 --clock 2026-01-01"));
    assert_eq!(server.submit(user, to, "5"), "action=DUNNO");
}

#[test]
fn it_reads_settings_again_and_stops_when_it_is_told() {
    let site = site();
    let mut server = Server::start(&site);
    site.write("s.toml", SETTINGS.replace("anna", "berta").replace("version = 1", "version = 2"));
    server.signal("-HUP");
    server.hears("version 2");
    assert!(server.look_up("transport", "berta@example.net").starts_with("OK "));
    assert_eq!(server.look_up("transport", "anna@example.net"), "NOTFOUND ");
    // Broken ones change nothing.
    site.write("s.toml", "version = 3\nusers = 3\n");
    server.signal("-HUP");
    server.hears("the settings stay as they were");
    assert!(server.look_up("transport", "berta@example.net").starts_with("OK "));
    server.signal("-TERM");
    let start = Instant::now();
    let ended = loop {
        match server.child.try_wait().unwrap() {
            Some(ended) => break ended,
            None if start.elapsed() > Duration::from_secs(30) => panic!("it does not stop"),
            None => thread::sleep(Duration::from_millis(20)),
        }
    };
    assert!(ended.success());
    assert_eq!(site.read("kept"), "");
}

#[test]
fn settings_for_later_hold_later_and_no_user_is_missed_for_a_capital() {
    let site = site();
    site.write("s.toml", SETTINGS.replace("anna", "Anna"));
    let mut server = Server::start(&site);
    for sender in ["Anna@example.net", "anna@example.net", "ANNA@Example.net"] {
        assert!(server.look_up("transport", sender).starts_with("OK "), "{sender}");
    }
    site.write("s.toml", "version = 2\neffective-from = 2999-01-01T00:00:00Z\n");
    server.signal("-HUP");
    server.hears("version 2, from 2999");
    assert!(server.look_up("transport", "anna@example.net").starts_with("OK "));
    site.write("s.toml", "version = 3\neffective-from = 2020-01-01T00:00:00Z\n");
    server.signal("-HUP");
    server.hears("version 3");
    assert_eq!(server.look_up("transport", "anna@example.net"), "NOTFOUND ");
}

/// A name server that knows no name.
fn nowhere() -> std::net::SocketAddr {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((len, from)) = socket.recv_from(&mut query) {
            // The question, up to its type and class, and no record.
            let Some(name) = query[12..len].iter().position(|octet| *octet == 0) else { continue };
            let mut answer = query[..12 + name + 5].to_vec();
            answer[2..12].copy_from_slice(&[0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]);
            let _ = socket.send_to(&answer, from);
        }
    });
    address
}

/// Postfix may be told another thing about the domain than we are.
#[test]
fn a_policy_that_is_kept_holds_also_if_somebody_says_that_there_is_no_domain() {
    let site = site();
    let fetched = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let policy = json!({ "mode": "enforce", "mx": ["mx.example.org"], "max-age": 86_400 });
    let known = json!({ "domain": "example.org", "cached": { "policy": policy, "id": "1", "fetched": fetched } });
    site.write("kept", format!("{known}\n"));
    let server = Server::start_at(&site, &format!("--nameserver {}", nowhere()));
    assert_eq!(server.look_up("everyone", "example.net"), "OK dane");
    let answer = server.look_up("everyone", "example.org");
    assert!(answer.starts_with("OK dane-only") || answer.starts_with("TEMP "), "{answer}");
}

#[test]
fn junk_ends_a_connection_and_nothing_else() {
    let server = Server::start(&site());
    for junk in ["x", "99999999999:", "3:abc;", "0:,"] {
        let mut stream = TcpStream::connect(&server.socketmap).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(junk.as_bytes()).unwrap();
        let mut rest = Vec::new();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut rest);
        assert!(!String::from_utf8_lossy(&rest).contains("OK"), "{junk}");
    }
    assert!(server.look_up("transport", "anna@example.net").starts_with("OK "));
}

#[test]
fn what_can_not_be_served_is_said_to_be_so() {
    let site = site();
    let serve = "serve --socketmap 127.0.0.1:0 --nameserver 127.0.0.1:9";
    site.says(1, &["missing.toml", "No such file"], &format!("{serve} --policy missing.toml"));
    site.write("bad.toml", "version = x\n");
    site.says(1, &["bad.toml", "line 1"], &format!("{serve} --policy bad.toml"));
    site.write("empty.pem", "");
    site.says(1, &["empty.pem", "no certificate"], &format!("{serve} --policy s.toml --roots empty.pem"));
    site.write("anchors", "nothing");
    site.says(1, &["anchors"], &format!("{serve} --policy s.toml --anchors anchors"));
    for transport in ["_", "[127.0.0.1]:10027", "guarantee:", "guarantee", ":[127.0.0.1]:10027", "a_b:[127.0.0.1]:1"] {
        let serve = format!("{serve} --policy s.toml --anchors root");
        site.says(1, &["--guarantee-transport"], &format!("{serve} --guarantee-transport {transport}"));
        site.says(1, &["--strict-transport"], &format!("{serve} --strict-transport {transport}"));
    }
    site.says(2, &["--policy"], "serve --socketmap 127.0.0.1:0");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let serve = "serve --policy s.toml --nameserver 127.0.0.1:9 --anchors root";
    site.says(1, &["the socketmap"], &format!("{serve} --socketmap {taken}"));
}
