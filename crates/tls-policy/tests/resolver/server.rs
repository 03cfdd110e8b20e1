//! A name server on loopback, over UDP and TCP. All names are in one zone, the root, signed with one key, but for those
//! below `insecure.`, which is proved to be unsigned.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, UdpSocket},
    sync::Arc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64ct::{Base64, Encoding};
use hickory_resolver::proto::{
    dnssec::{
        Algorithm, DigestType, DnssecSigner, PublicKey, SigningKey, TBS,
        crypto::EcdsaSigningKey,
        rdata::{DNSKEY, DNSSECRData, DS, NSEC, RRSIG, SigInput},
    },
    op::{Message, Query, ResponseCode},
    rr::{DNSClass, Name, RData, Record, RecordType, SerialNumber, rdata::SOA},
};

/// What becomes of an answer on its way; `None`: nothing arrives.
pub(crate) type Way = dyn Fn(&Query, Message) -> Option<Message> + Send + Sync;

const TTL: u32 = 300;

pub(crate) fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

pub(crate) fn record(owner: &str, data: RData) -> Record {
    Record::from_rdata(name(owner), TTL, data)
}

pub(crate) struct Server {
    signer: DnssecSigner,
    records: Vec<Record>,
    way: Box<Way>,
}

impl Server {
    /// Starts one. Its address, and its key as a trust anchor.
    pub(crate) fn start(
        mut records: Vec<Record>,
        way: impl Fn(&Query, Message) -> Option<Message> + Send + Sync + 'static,
    ) -> (SocketAddr, String) {
        let pkcs8 = EcdsaSigningKey::generate_pkcs8(Algorithm::ECDSAP256SHA256).unwrap();
        let key = EcdsaSigningKey::from_pkcs8(&pkcs8, Algorithm::ECDSAP256SHA256).unwrap();
        let public = key.to_public_key().unwrap();
        let anchor = format!(". 300 IN DNSKEY 257 3 13 {}\n", Base64::encode_string(public.public_bytes()));
        let dnskey = DNSKEY::with_flags(257, public);
        records.push(record(".", RData::DNSSEC(DNSSECRData::DNSKEY(dnskey.clone()))));
        records.push(soa("."));
        records.push(soa("insecure."));
        let signer = DnssecSigner::new(dnskey, Box::new(key), Name::root(), Duration::from_hours(24));
        let server = Arc::new(Self { signer, records, way: Box::new(way) });
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(address).unwrap();
        let other = Arc::clone(&server);
        thread::spawn(move || server.serve_udp(&udp));
        thread::spawn(move || other.serve_tcp(&tcp));
        (address, anchor)
    }

    fn serve_udp(&self, socket: &UdpSocket) {
        let mut buffer = [0; 4096];
        while let Ok((len, peer)) = socket.recv_from(&mut buffer) {
            let Some(answer) = self.answer(&buffer[..len]) else { continue };
            let mut octets = answer.to_vec().unwrap();
            if octets.len() > 1_232 {
                octets = answer.truncate().to_vec().unwrap();
            }
            socket.send_to(&octets, peer).unwrap();
        }
    }

    fn serve_tcp(&self, listener: &TcpListener) {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut len = [0; 2];
            while stream.read_exact(&mut len).is_ok() {
                let mut question = vec![0; usize::from(u16::from_be_bytes(len))];
                stream.read_exact(&mut question).unwrap();
                let Some(answer) = self.answer(&question) else { break };
                let octets = answer.to_vec().unwrap();
                let framed = [&u16::try_from(octets.len()).unwrap().to_be_bytes()[..], &octets].concat();
                stream.write_all(&framed).unwrap();
            }
        }
    }

    fn answer(&self, question: &[u8]) -> Option<Message> {
        let question = Message::from_vec(question).unwrap();
        let query = question.queries[0].clone();
        let edns = question.edns.clone();
        let mut answer = question.into_response();
        answer.metadata.recursion_available = true;
        answer.additionals.clear();
        answer.edns = edns;
        let mut owner = query.name().clone();
        loop {
            let kind = query.query_type();
            let found = self.set(&owner, kind);
            let alias = self.set(&owner, RecordType::CNAME);
            if !found.is_empty() {
                answer.add_answers(found);
                break;
            }
            let Some(RData::CNAME(target)) = alias.first().map(|record| record.data.clone()) else {
                answer.add_authorities(self.denial(&owner));
                break;
            };
            answer.add_answers(alias);
            owner = target.0;
        }
        (self.way)(&query, answer)
    }

    /// The records of one type at a name, and their signature.
    fn set(&self, owner: &Name, kind: RecordType) -> Vec<Record> {
        let matches = |record: &&Record| record.name == *owner && record.record_type() == kind;
        let mut set: Vec<Record> = self.records.iter().filter(matches).cloned().collect();
        if !set.is_empty() && !is_unsigned(owner) {
            set.push(self.sign(&set));
        }
        set
    }

    /// That there is nothing of the type that was asked for: with an NSEC for this name only, as online signers make it.
    fn denial(&self, owner: &Name) -> Vec<Record> {
        // The name of the unsigned zone itself stands in the signed one, where its missing key is proved.
        if is_unsigned(owner) && *owner != name("insecure.") {
            return vec![soa("insecure.")];
        }
        let mut types: Vec<RecordType> =
            self.records.iter().filter(|record| record.name == *owner).map(Record::record_type).collect();
        types.retain(|kind| *owner != name("insecure.") || *kind != RecordType::SOA);
        let next = owner.prepend_label(&b"\0"[..]).unwrap();
        let nsec = RData::DNSSEC(DNSSECRData::NSEC(NSEC::new_cover_self(next, types)));
        let nsec = vec![Record::from_rdata(owner.clone(), TTL, nsec)];
        let soa = vec![soa(".")];
        let signatures = [self.sign(&nsec), self.sign(&soa)];
        nsec.into_iter().chain(soa).chain(signatures).collect()
    }

    fn sign(&self, set: &[Record]) -> Record {
        signature(&self.signer, &Name::root(), set)
    }
}

fn signature(signer: &DnssecSigner, zone: &Name, set: &[Record]) -> Record {
    let now = u32::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let owner = &set[0].name;
    let input = SigInput {
        type_covered: set[0].record_type(),
        algorithm: Algorithm::ECDSAP256SHA256,
        num_labels: owner.num_labels(),
        original_ttl: TTL,
        sig_expiration: SerialNumber::new(now + 3_600),
        sig_inception: SerialNumber::new(now - 3_600),
        key_tag: signer.calculate_key_tag().unwrap(),
        signer_name: zone.clone(),
    };
    let tbs = TBS::from_input(owner, DNSClass::IN, &input, set.iter()).unwrap();
    let signature = RRSIG::from_sig(input, signer.sign(&tbs).unwrap());
    Record::from_rdata(owner.clone(), TTL, RData::DNSSEC(DNSSECRData::RRSIG(signature)))
}

/// A signed zone below the root with a key of its own, whose owner signs whatever he likes.
pub(crate) struct Zone {
    name: Name,
    key: DNSKEY,
    signer: DnssecSigner,
}

impl Zone {
    pub(crate) fn new(zone: &str) -> Self {
        let pkcs8 = EcdsaSigningKey::generate_pkcs8(Algorithm::ECDSAP256SHA256).unwrap();
        let signing = EcdsaSigningKey::from_pkcs8(&pkcs8, Algorithm::ECDSAP256SHA256).unwrap();
        let key = DNSKEY::with_flags(257, signing.to_public_key().unwrap());
        let signer = DnssecSigner::new(key.clone(), Box::new(signing), name(zone), Duration::from_hours(24));
        Self { name: name(zone), key, signer }
    }

    /// What the root says about it.
    pub(crate) fn delegation(&self) -> Record {
        let digest = self.key.to_digest(&self.name, DigestType::SHA256).unwrap();
        let tag = self.signer.calculate_key_tag().unwrap();
        let ds = DS::new(tag, Algorithm::ECDSAP256SHA256, DigestType::SHA256, digest.as_ref().to_vec());
        Record::from_rdata(self.name.clone(), TTL, RData::DNSSEC(DNSSECRData::DS(ds)))
    }

    /// Its key, signed by itself.
    pub(crate) fn keys(&self) -> Vec<Record> {
        self.signed(Record::from_rdata(self.name.clone(), TTL, RData::DNSSEC(DNSSECRData::DNSKEY(self.key.clone()))))
    }

    /// A record and its signature.
    pub(crate) fn signed(&self, record: Record) -> Vec<Record> {
        let signature = signature(&self.signer, &self.name, std::slice::from_ref(&record));
        vec![record, signature]
    }
}

fn is_unsigned(owner: &Name) -> bool {
    name("insecure.").zone_of(owner)
}

pub(crate) fn soa(zone: &str) -> Record {
    record(zone, RData::SOA(SOA::new(name("ns.insecure."), name("hostmaster.insecure."), 1, 300, 300, 300, 300)))
}

/// Without a change.
#[expect(clippy::unnecessary_wraps, reason = "other ways lose answers")]
pub(crate) fn honest(_: &Query, answer: Message) -> Option<Message> {
    Some(answer)
}

/// An answer that says nothing but this.
pub(crate) fn failed(mut answer: Message, code: ResponseCode) -> Message {
    answer.answers.clear();
    answer.authorities.clear();
    answer.metadata.response_code = code;
    answer
}
