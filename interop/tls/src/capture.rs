//! All that passes on the wire, recorded and searched.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::program::Daemon;

/// What is not on the wire: what the test itself hands to the sender's server.
const OUTSIDE: &str = "tcp and not (src host 127.0.0.1 and dst host 127.0.0.1)";

/// A record that is being made.
#[derive(Debug)]
pub struct Capture {
    file: PathBuf,
    tcpdump: Daemon,
}

impl Capture {
    /// Starts to record.
    ///
    /// # Panics
    ///
    /// If tcpdump can't.
    #[must_use]
    pub fn start(folder: &Path, name: &str) -> Self {
        let file = folder.join(format!("{name}.pcap"));
        let mut command = Command::new("tcpdump");
        command.args(["-i", "lo", "-s", "0", "-B", "16384", "-U", "--immediate-mode", "-Z", "root", "-w"]);
        let mut tcpdump = Daemon::start(&format!("tcpdump-{name}"), folder, command.arg(&file).arg(OUTSIDE));
        tcpdump.wait_until(|log| log.contains("listening on"));
        Self { file, tcpdump }
    }

    /// Stops.
    ///
    /// # Panics
    ///
    /// If packets were lost, or the file is not as expected.
    #[must_use]
    pub fn stop(mut self) -> Record {
        self.tcpdump.stop();
        let log = self.tcpdump.log();
        assert!(log.contains("\n0 packets dropped by kernel"), "packets were lost:\n{log}");
        Record::parse(&fs::read(&self.file).expect("what was recorded"))
    }
}

/// From where to where.
type Flow = [u8; 12];

/// What was recorded, put together: for each direction of each connection, its octets in their order.
#[derive(Debug)]
pub struct Record {
    flows: Vec<Vec<u8>>,
}

impl Record {
    fn parse(file: &[u8]) -> Self {
        let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!(number(0), 0xa1b2_c3d4, "a file of pcap, of this processor");
        assert_eq!(number(20), 1, "frames of Ethernet");
        let mut flows: BTreeMap<Flow, BTreeMap<u32, Vec<u8>>> = BTreeMap::new();
        let mut at = 24;
        while at < file.len() {
            let length = usize::try_from(number(at + 8)).unwrap();
            let packet = &file[at + 16..at + 16 + length];
            at += 16 + length;
            if let Some((flow, sequence, payload)) = segment(packet) {
                flows.entry(flow).or_default().insert(sequence, payload.to_vec());
            }
        }
        Self { flows: flows.into_values().map(|segments| segments.into_values().flatten().collect()).collect() }
    }

    /// How often `what` went over the wire in clear.
    #[must_use]
    pub fn count(&self, what: &str) -> usize {
        let found = |flow: &Vec<u8>| flow.windows(what.len()).filter(|window| *window == what.as_bytes()).count();
        self.flows.iter().map(found).sum()
    }

    /// How many octets were recorded.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.flows.iter().map(Vec::len).sum()
    }
}

/// The flow, the sequence number and the payload of a packet of TCP over IPv4, unless it is empty.
fn segment(packet: &[u8]) -> Option<(Flow, u32, &[u8])> {
    let ip = packet.get(14..)?;
    if packet[12..14] != [8, 0] || ip[9] != 6 {
        return None;
    }
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let tcp = &ip[usize::from(ip[0] & 15) * 4..total];
    let payload = &tcp[usize::from(tcp[12] >> 4) * 4..];
    let sequence = u32::from_be_bytes(tcp[4..8].try_into().ok()?);
    let flow = [&ip[12..20], &tcp[..4]].concat().try_into().ok()?;
    (!payload.is_empty()).then_some((flow, sequence, payload))
}
