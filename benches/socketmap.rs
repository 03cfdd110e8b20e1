//! Look-ups of policies in a socketmap with a warm cache, beside postfix-mta-sts-resolver.
//!
//! Both servers are processes of their own, and know the same thousand domains with a policy of MTA-STS. Servers and
//! client share two processors.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a bench stops where its material is not as it should be"
)]

use std::{
    env,
    io::{BufRead, BufReader, Read, Write, stdin},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use sealpost_benches::print;
use sealpost_mail::Address;
use sealpost_measure::Comparison;
use sealpost_postfix::{
    Cached, Event, Journal, Known, Limits, Listener, Maps, Outside, Result, Session, Socketmaps, netstring,
    next_hop::Hop,
    serve,
    socketmap::{MAX_REPLY, Reply, Request},
};
use sealpost_time::Time;
use sealpost_tls_policy::{
    engine::Plan,
    facts::{Addresses, DestinationFacts, Dnssec, HostFacts, Mx, NextHop, StsState, Tlsa},
    message::{DestinationPolicy, Guarantee},
    route::AlternateRoute,
    sts::{Mode, Policy},
};

/// So many domains are known.
const DOMAINS: usize = 1_000;
/// So many of Postfix's processes ask at a time.
const CONNECTIONS: usize = 8;
/// So many look-ups each has in a turn.
const LOOK_UPS: usize = 256;
/// What a socketmap has to reach.
const GOAL: f64 = 20_000.0;

fn main() {
    // `cargo bench` gives arguments of its own.
    let arguments: Vec<String> = env::args().collect();
    if let Some([_, port]) = arguments.get(1..).filter(|rest| rest.first().is_some_and(|first| first == "serve")) {
        return ours(port.parse().unwrap());
    }
    let mine = Server::start(Command::new(env::current_exe().unwrap()).arg("serve"), &[]);
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../interop/python/venv/bin/python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("socketmap.py");
    let peer = python.is_file().then(|| Server::start(Command::new(python).arg(script), &[&DOMAINS.to_string()]));
    if peer.is_none() {
        println!("postfix-mta-sts-resolver is missing: cargo xtask test installs it");
    }
    for at_once in [1, 32] {
        let ours = || mine.look_up("everyone", at_once);
        let operations = u32::try_from(CONNECTIONS * LOOK_UPS).unwrap();
        let comparison = match &peer {
            Some(peer) => Comparison::against("postfix-mta-sts-resolver 1.5.1, in memory, uvloop", operations, || {
                peer.look_up("postfix", at_once);
            })
            .with("sealpost", operations, ours),
            None => Comparison::against("sealpost", operations, ours),
        };
        let how = if at_once == 1 { "one at a time, as Postfix asks".into() } else { format!("{at_once} at a time") };
        let headline = format!("Look-ups over {CONNECTIONS} connections, {how} (goal: {GOAL:.0} per second)");
        print(&headline, comparison.rounds(21));
    }
}

/// A server in a process of its own.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(command: &mut Command, arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let command = command.arg(port.to_string()).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { process, port }
    }

    /// Each connection looks domains up, so many at a time, and checks each answer.
    fn look_up(&self, map: &str, at_once: usize) {
        thread::scope(|scope| {
            for connection in 0..CONNECTIONS {
                scope.spawn(move || client(self.port, map, connection, at_once));
            }
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its input; if it does not, it is ended.
        drop(self.process.stdin.take());
        thread::sleep(Duration::from_millis(100));
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn client(port: u16, map: &str, connection: usize, at_once: usize) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut out, mut input, mut chunk) = (Vec::new(), Vec::new(), [0; 16_384]);
    for first in (0..LOOK_UPS).step_by(at_once) {
        out.clear();
        for index in first..first + at_once {
            let key = format!("d{}.example", (connection * LOOK_UPS + index) % DOMAINS);
            Request { map, key: &key }.encode(&mut out);
        }
        stream.write_all(&out).unwrap();
        let mut missing = at_once;
        while missing > 0 {
            if let Some((payload, taken)) = netstring::decode(&input, MAX_REPLY).unwrap() {
                let found =
                    matches!(Reply::parse(payload), Ok(Reply::Found(value)) if value.starts_with("secure match=mx"));
                assert!(found, "{}", String::from_utf8_lossy(payload));
                input.drain(..taken);
                missing -= 1;
            } else {
                let read = stream.read(&mut chunk).unwrap();
                assert_ne!(read, 0, "the server ended the connection");
                input.extend_from_slice(&chunk[..read]);
            }
        }
    }
}

/// Our server, until its input ends.
fn ours(port: u16) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = Listener::tcp(([127, 0, 0, 1], port).into()).await.unwrap();
        let quiet: Arc<dyn Journal> = Arc::new(|_: &Event<'_>| {});
        let maps = Socketmaps::new(Maps::new(Cached::new(Everything)), Arc::clone(&quiet));
        let end = tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new()));
        println!("ready");
        serve(listener, Arc::new(maps), Limits::default(), quiet, async { drop(end.await) }).await;
    });
}

/// Each domain has two hosts and a policy that lists them.
struct Everything;

impl Outside for Everything {
    fn now(&self) -> Time {
        Time::from_unix(1_795_780_800)
    }

    async fn facts(&self, hop: &Hop) -> Result<Known> {
        let NextHop::Domain(domain) = &hop.to else { panic!("only domains are asked for") };
        let names = [0, 1].map(|index| format!("mx{index}.{domain}"));
        let host = |name: &String| {
            let addresses = Addresses::Found(vec![([192, 0, 2, 1]).into()]);
            HostFacts::new(name.parse().unwrap(), 10, addresses, Tlsa::Absent)
        };
        let mx = Mx::Hosts { dnssec: Dnssec::Insecure, hosts: names.iter().map(host).collect() };
        let policy = Policy::new(Mode::Enforce, &names.each_ref().map(String::as_str), 604_800).unwrap();
        let facts = DestinationFacts::new(hop.to.clone(), mx).with_sts(StsState::Policy(policy));
        Ok(Known { facts: Arc::new(facts), fresh_for: Duration::from_hours(1) })
    }

    async fn policy(&self, _to: &NextHop) -> Result<DestinationPolicy> {
        Ok(DestinationPolicy::default())
    }

    async fn guarantee(&self, _sender: &Address) -> Result<Guarantee> {
        Ok(Guarantee::Off)
    }

    async fn route(&self) -> Result<Option<AlternateRoute>> {
        Ok(None)
    }

    async fn sessions(&self, _plan: &Plan<'_>) -> Result<Arc<[Session]>> {
        Ok(Arc::default())
    }

    async fn redeem(&self, _user: &str, _recipient: &Address, _instance: &str) -> Result<bool> {
        Ok(false)
    }
}
