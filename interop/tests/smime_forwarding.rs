//! Encrypted forwarding of S/MIME mails that peers make, to peers that know nothing of it.

#![cfg(test)]

use std::{fs, thread};

use sealpost_interop::smime::{
    BouncyCastle, Cell, Cipher, Form, Forwarding, Gpgsm, Handmade, Identity, Kdf, Nss, OpenSsl, Outcome, Padding, Peer,
    Pki, Purpose, Sealing, Sealpost, Signing, Table, Transport, mail, sample,
};
use serde_json::Value;

/// What stands in front of the table.
const INTRODUCTION: &str = "\
# Interoperability of encrypted forwarding

Written by `SEALPOST_BASELINES=write cargo test -p sealpost-interop --test smime_forwarding`; without the variable the test compares. `cargo xtask test` installs the peers.

Bob forwards to Charles: a mail is encrypted to Bob's certificate, goes through `sealpost smime forward transform` with what `sealpost smime forward setup` made, and Charles's unmodified program decrypts it with the PKCS#12 file of the same set-up. ✓: what was sent came out. A number: the peer can't, and says so below in its own words.

Whoever does not decrypt a forwarded mail does not decrypt one either that the same sender encrypts to Charles himself in the same way, and says the same: the test looks. Whoever does decrypt it does not decrypt the mail as it was before, nor with Charles's name on it and all else as it was, nor what is forwarded to somebody else, with that name or Charles's. The **handmade** ones are structures written by hand from the RFCs, with the primitives of Python's cryptography; they are there because no other peer has X25519 (RFC 8418), and to read every mail with one more program. To Bob and Dora BouncyCastle and they write one KeyAgreeRecipientInfo, the others two. SHA-1, SHA-256 and SHA-384 are the hashes of the key derivation (RFC 5753, section 7.1.4; with X25519 that of HKDF).

";

const MAIL: &str = "alice@example.org";

/// Those who agree on keys on one curve.
struct Curve {
    name: &'static str,
    /// As OpenSSL makes a key.
    algorithm: &'static [&'static str],
    /// The hashes that keys are derived with; the one that our tool takes is the first.
    kdfs: &'static [Kdf],
    bob: &'static str,
    dora: &'static str,
    charles: &'static str,
    again: &'static str,
    mallory: &'static str,
}

macro_rules! curve {
    ($name:literal, $algorithm:expr, $kdfs:expr) => {
        Curve {
            name: $name,
            algorithm: $algorithm,
            kdfs: $kdfs,
            bob: concat!("Bob ", $name),
            dora: concat!("Dora ", $name),
            charles: concat!("Charles ", $name),
            again: concat!("Again ", $name),
            mallory: concat!("Mallory ", $name),
        }
    };
}

const P_256: Curve = curve!(
    "P-256",
    &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    &[Kdf::Sha256, Kdf::Sha1, Kdf::Sha384]
);
const P_384: Curve = curve!(
    "P-384",
    &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    &[Kdf::Sha384, Kdf::Sha1, Kdf::Sha256]
);
const X25519: Curve = curve!("X25519", &["-algorithm", "X25519"], &[Kdf::Sha256, Kdf::Sha384]);

impl Curve {
    /// From Bob to somebody. Keys for X25519 can't sign their own certificates.
    fn forwarding(&self, pki: &Pki, bob: &Identity, kind: &'static str) -> Forwarding {
        if self.name == "X25519" {
            return Forwarding::set_up_to(pki, bob, &pki.identity(kind, self.algorithm, Purpose::AGREE));
        }
        Forwarding::set_up(pki, bob, kind)
    }

    /// The factor that changes nothing, as instances have it.
    fn one(&self) -> String {
        match self.name {
            "X25519" => format!("{:0<64}", "01"),
            "P-384" => format!("{:0>96}", "1"),
            _ => format!("{:0>64}", "1"),
        }
    }
}

/// Who they are in one test.
struct World {
    pki: Pki,
    curve: &'static Curve,
    bob: Identity,
    /// Bob's mail to Charles.
    forwarding: Forwarding,
    /// Charles with a file of the oldest kind.
    repacked: Identity,
    /// Bob's mail to somebody else.
    elsewhere: Forwarding,
    /// With Charles's names, and the factor for somebody else or none.
    forged: [Forwarding; 2],
}

impl World {
    fn new(curve: &'static Curve, kinds: &[&str]) -> Self {
        let mut pki = Pki::with(kinds);
        let [bob, dora] = [curve.bob, curve.dora].map(|kind| pki.identity(kind, curve.algorithm, Purpose::AGREE));
        let [forwarding, elsewhere] = [curve.charles, curve.mallory].map(|kind| curve.forwarding(&pki, &bob, kind));
        let forged = [instance(&elsewhere)["factor"].clone(), curve.one().into()].map(|factor| {
            let mut fields = instance(&forwarding);
            fields["factor"] = factor;
            let mut forged = forwarding.clone();
            forged.instances = vec![pki.scratch().file(fields.to_string().as_bytes())];
            forged
        });
        let repacked = pki.repacked(&forwarding.forwardee, curve.again);
        pki.readers.extend([bob.clone(), dora, forwarding.forwardee.clone(), repacked.clone()]);
        Self { pki, curve, bob, forwarding, repacked, elsewhere, forged }
    }

    fn charles(&self) -> &Identity {
        &self.forwarding.forwardee
    }

    fn peers(&self) -> Vec<Box<dyn Peer + '_>> {
        let pki = &self.pki;
        let mut peers: Vec<Box<dyn Peer + '_>> = vec![Box::new(OpenSsl::new(pki))];
        peers.extend(Gpgsm::new(pki).map(|peer| -> Box<dyn Peer> { Box::new(peer) }));
        peers.extend(Nss::new(pki).map(|peer| -> Box<dyn Peer> { Box::new(peer) }));
        peers.extend(BouncyCastle::new(pki).map(|peer| -> Box<dyn Peer> { Box::new(peer) }));
        peers.extend(Handmade::new(pki).map(|peer| -> Box<dyn Peer> { Box::new(peer) }));
        peers.push(Box::new(Sealpost::new(pki)));
        peers
    }
}

/// The fields of an instance.
fn instance(of: &Forwarding) -> Value {
    serde_json::from_slice(&fs::read(&of.instances[0]).unwrap()).unwrap()
}

/// A way to encrypt, and how the table calls it.
struct Shape<'a> {
    row: String,
    how: Sealing<'a>,
    /// Whether it is also forwarded to the wrong people.
    goes_astray: bool,
}

/// All that is tried to one recipient.
fn shapes<'a>(world: &'a World, others: &'a [[Identity; 1]; 2]) -> Vec<Shape<'a>> {
    let shape = |cipher: Cipher, kdf: Kdf, recipients: &str, change: &dyn Fn(&mut Sealing<'a>)| {
        let mut how = Sealing::new(&world.bob, cipher, Transport::Agreement);
        how.kdf = Some(kdf);
        change(&mut how);
        let ukm = if how.ukm { "yes" } else { "no" };
        let (cipher, hash) = (cipher.name().to_ascii_uppercase(), kdf.name().replace("sha", "SHA-"));
        Shape { row: [world.curve.name, &cipher, &hash, ukm, recipients].join(" | "), how, goes_astray: false }
    };
    let (kdfs, own) = (world.curve.kdfs, world.curve.kdfs[0]);
    let mut shapes = vec![];
    for cipher in Cipher::ALL {
        shapes.push(Shape { goes_astray: true, ..shape(cipher, own, "Bob", &|_| ()) });
    }
    let [dora, rsa] = others;
    for cipher in [Cipher::Aes128Cbc, Cipher::Aes256Gcm] {
        shapes.extend(kdfs[1..].iter().map(|kdf| shape(cipher, *kdf, "Bob", &|_| ())));
        shapes.extend(kdfs.iter().map(|kdf| shape(cipher, *kdf, "Bob", &|how| how.ukm = true)));
        shapes.push(shape(cipher, own, "Bob, Dora", &|how| how.others = dora));
        shapes.push(shape(cipher, own, "Bob, an RSA key", &|how| how.others = rsa));
        shapes.push(shape(cipher, own, "Bob by key identifier", &|how| how.by_key_id = true));
        shapes.push(shape(cipher, own, "Bob, in pieces", &|how| how.streamed = true));
    }
    shapes
}

/// What was found: who makes what, who reads whose, and what must not be.
#[derive(Default)]
struct Findings {
    senders: Vec<(String, &'static str, Cell)>,
    readers: Vec<(String, &'static str, Cell)>,
    defects: Vec<String>,
}

/// What came out, if it is what was sent.
fn reads(reader: &dyn Peer, to: &Identity, mail: &[u8]) -> Outcome<()> {
    let content = reader.decrypt(to, mail)?;
    if content == sample::CONTENT.as_bytes() { Ok(()) } else { Err("it gives out something else".into()) }
}

/// A mail of one sender, forwarded.
struct Case<'a> {
    world: &'a World,
    peers: &'a [Box<dyn Peer + 'a>],
    shape: &'a Shape<'a>,
    sender: &'a dyn Peer,
}

impl Case<'_> {
    fn run(&self, found: &mut Findings) {
        let (shape, sender) = (self.shape, self.sender);
        let mail = match sender.encrypt(&shape.how, &sample::mail(MAIL)) {
            Ok(mail) => mail,
            Err(words) => return found.senders.push((shape.row.clone(), sender.name(), Cell::Refused(words))),
        };
        found.senders.push((shape.row.clone(), sender.name(), Cell::Works));
        let row = format!("{} | {}", sender.name(), shape.row);
        match self.world.forwarding.transform(&mail) {
            Ok(forwarded) => {
                for reader in self.peers {
                    match self.read(reader.as_ref(), &mail, &forwarded) {
                        Ok(cell) => found.readers.push((row.clone(), reader.name(), cell)),
                        Err(why) => found.defects.push(format!("{row}: {}: {why}", reader.name())),
                    }
                }
                found.defects.extend(self.others(&forwarded).map(|why| format!("{row}: {why}")));
            }
            Err(why) => found.defects.push(format!("{row}: transform: {why}")),
        }
        if shape.goes_astray {
            found.defects.extend(self.astray(&mail).map(|why| format!("{row}: {why}")));
        }
    }

    /// Charles reads what is forwarded, and not what was sent; or nothing that is encrypted in this way.
    fn read(&self, reader: &dyn Peer, mail: &[u8], forwarded: &[u8]) -> Result<Cell, String> {
        let charles = self.world.charles();
        if let Err(words) = reads(reader, charles, forwarded) {
            let mut how = self.shape.how;
            how.to = charles;
            let native = self.sender.encrypt(&how, &sample::mail(MAIL))?;
            return match reads(reader, charles, &native) {
                Ok(()) => Err(format!("reads what is to Charles and not what is forwarded: {words}")),
                Err(native) if native == words => Ok(Cell::Refused(words)),
                Err(native) => Err(format!("of what is forwarded: {words}; of what is to Charles: {native}")),
            };
        }
        match reads(reader, charles, mail) {
            Ok(()) => Err("Charles reads what is not forwarded".into()),
            Err(_) => Ok(Cell::Works),
        }
    }

    /// The other recipients still read it.
    fn others(&self, forwarded: &[u8]) -> impl Iterator<Item = String> {
        let lost = |other: &&Identity| !self.peers.iter().any(|peer| reads(peer.as_ref(), other, forwarded).is_ok());
        self.shape.how.others.iter().filter(lost).map(|other| format!("{} can't read it any more", other.kind))
    }

    /// What is forwarded to somebody else, with or without Charles's name on it, is nothing for Charles.
    fn astray(&self, mail: &[u8]) -> impl Iterator<Item = String> {
        let World { elsewhere, forged: [other, none], .. } = self.world;
        let ways = [("to somebody else", elsewhere), ("with another's factor", other), ("in name alone", none)];
        let forwarded = ways.map(|(what, forwarding)| (what, forwarding.transform(mail)));
        forwarded.into_iter().flat_map(|(what, mail)| match mail {
            Ok(mail) => {
                let readers =
                    self.peers.iter().filter(|reader| reads(reader.as_ref(), self.world.charles(), &mail).is_ok());
                readers.map(|reader| format!("Charles reads what is forwarded {what}: {}", reader.name())).collect()
            }
            Err(why) => vec![format!("transform {what}: {why}")],
        })
    }
}

/// All mails to Bob's key on one curve.
fn matrix(curve: &'static Curve) -> (Vec<(String, String)>, Findings) {
    let world = World::new(curve, &["RSA-2048"]);
    let others = [curve.dora, "RSA-2048"].map(|kind| [world.pki.reader(kind).clone()]);
    let peers = world.peers();
    let mut found = Findings { defects: is_not_for_want_of_a_file(&world, &peers), ..Findings::default() };
    for shape in shapes(&world, &others) {
        for sender in &peers {
            Case { world: &world, peers: &peers, shape: &shape, sender: sender.as_ref() }.run(&mut found);
        }
    }
    (peers.iter().map(|peer| (peer.name().into(), peer.version())).collect(), found)
}

/// Another program's file of the same key says no more to those that can't read it.
fn is_not_for_want_of_a_file(world: &World, peers: &[Box<dyn Peer + '_>]) -> Vec<String> {
    let [charles, again] = [world.charles(), &world.repacked];
    let how = Sealing::new(charles, Cipher::Aes128Cbc, Transport::Agreement);
    let mail = peers.iter().find_map(|peer| peer.encrypt(&how, &sample::mail(MAIL)).ok()).unwrap();
    let other = peers
        .iter()
        .filter(|peer| reads(peer.as_ref(), charles, &mail).is_err() && reads(peer.as_ref(), again, &mail).is_ok());
    other.map(|peer| format!("{} reads with OpenSSL's file of the key, and not with ours", peer.name())).collect()
}

#[test]
fn the_table_of_who_forwards_to_whom() {
    let found = thread::scope(|scope| {
        let threads = [&P_256, &P_384, &X25519].map(|curve| scope.spawn(|| matrix(curve)));
        threads.map(|thread| thread.join().unwrap())
    });
    let defects: Vec<_> = found.iter().flat_map(|(_, found)| &found.defects).map(String::as_str).collect();
    assert!(defects.is_empty(), "{}", defects.join("\n"));
    let mut table = Table::new(found[0].0.clone());
    table.section("Who encrypts to Bob", "curve | cipher | KDF | ukm | recipients");
    for (row, peer, cell) in found.iter().flat_map(|(_, found)| &found.senders) {
        table.put(row, peer, cell.clone());
    }
    table.section("Who decrypts as Charles what is forwarded", "sender | curve | cipher | KDF | ukm | recipients");
    let mut readers: Vec<_> = found.iter().flat_map(|(_, found)| &found.readers).collect();
    readers.sort_by_key(|(row, ..)| found[0].0.iter().position(|(name, _)| row.starts_with(name.as_str())));
    for (row, peer, cell) in readers {
        table.put(row, peer, cell.clone());
    }
    table.is_in("interop-forwarding.md", INTRODUCTION);
}

#[test]
fn a_signature_inside_stays_valid() {
    let world = World::new(&P_256, &["P-256"]);
    let (openssl, by) = (OpenSsl::new(&world.pki), world.pki.signer("P-256"));
    let mail = sample::mail(&by.address);
    let (outer, _) = mail::split(&mail);
    let (ours, java) = (Sealpost::new(&world.pki), BouncyCastle::new(&world.pki));
    let others: [Option<&dyn Peer>; 3] = [Some(&openssl), Some(&ours), java.as_ref().map(|java| -> &dyn Peer { java })];
    for peer in others.into_iter().flatten() {
        for form in [Form::Multipart, Form::Opaque] {
            let what = format!("{}, {form:?}", peer.name());
            let signed = peer.sign(&Signing::new(by, form, Padding::Plain), &mail).unwrap();
            let how = Sealing::new(&world.bob, Cipher::Aes256Cbc, Transport::Agreement);
            let forwarded = world.forwarding.transform(&peer.encrypt(&how, &signed).unwrap()).unwrap();
            let inside = openssl.decrypt(world.charles(), &forwarded).unwrap();
            let content = openssl.verify(&mail::join(&outer, &inside)).unwrap();
            assert!(sample::is_in(&content), "{what}");
        }
    }
}

/// Whether there is a BIT STRING with a point in this form (SEC 1, section 2.3.3).
fn is_compressed(message: &[u8], curve: &Curve) -> bool {
    let octets = if curve.name == "P-384" { 48 } else { 32 };
    [2, 3].iter().any(|sign| mail::find(message, &[3, octets + 2, 0, *sign]).is_some())
}

#[test]
fn a_point_in_compressed_form_stays_so() {
    for curve in [&P_256, &P_384] {
        let world = World::new(curve, &[]);
        let Some(handmade) = Handmade::new(&world.pki) else { return };
        let how = Sealing::new(&world.bob, Cipher::Aes256Gcm, Transport::Agreement);
        let mail = handmade.encrypt_compressed(&how, &sample::mail(MAIL)).unwrap();
        let forwarded = world.forwarding.transform(&mail).unwrap();
        let readers: [&dyn Peer; 3] = [&handmade, &OpenSsl::new(&world.pki), &Sealpost::new(&world.pki)];
        for peer in readers {
            assert_eq!(reads(peer, world.charles(), &forwarded), Ok(()), "{}, {}", curve.name, peer.name());
        }
        assert_eq!([&mail, &forwarded].map(|mail| is_compressed(&mail::base64_body(mail), curve)), [true; 2]);
    }
}

#[test]
fn two_servers_of_different_operators_forward_in_either_order() {
    let world = World::new(&P_256, &[]);
    let openssl = OpenSsl::new(&world.pki);
    let how = Sealing::new(&world.bob, Cipher::Aes256Cbc, Transport::Agreement);
    let mail = openssl.encrypt(&how, &sample::mail(MAIL)).unwrap();
    let forwarded = mail::base64_body(&world.forwarding.transform(&mail).unwrap());
    let [one, other] = world.forwarding.split(&world.pki);
    for [first, second] in [[&one, &other], [&other, &one]] {
        let between = first.transform(&mail).unwrap();
        assert!(openssl.decrypt(world.charles(), &between).is_err());
        assert!(first.transform(&between).is_err());
        let forwarded_twice = second.transform(&between).unwrap();
        assert_eq!(reads(&openssl, world.charles(), &forwarded_twice), Ok(()));
        assert_eq!(mail::base64_body(&forwarded_twice), forwarded);
    }
}

#[test]
fn our_tool_opens_the_forwardees_file() {
    let world = World::new(&P_384, &[]);
    let (ours, charles) = (Sealpost::new(&world.pki), world.charles());
    let how = Sealing::new(&world.bob, Cipher::Aes128Cbc, Transport::Agreement);
    let mail = OpenSsl::new(&world.pki).encrypt(&how, &sample::mail(MAIL)).unwrap();
    let forwarded = world.forwarding.transform(&mail).unwrap();
    let password = world.pki.scratch().file(charles.password.as_bytes());
    let [pkcs12, password] = [&charles.pkcs12, &password].map(|path| path.to_str().unwrap());
    let read = ours.made(&["decrypt", "--key", pkcs12, "--password-file", password], &forwarded).unwrap();
    assert_eq!(mail::split(&read).1, sample::CONTENT.as_bytes());
}
