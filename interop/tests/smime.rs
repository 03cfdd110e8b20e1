//! S/MIME with five peers, both ways: every kind of key, form and cipher, and what we refuse of theirs.

#![cfg(test)]

use sealpost_interop::smime::{
    Cell, Cipher, Form, Identity, Outcome, Padding, Peer, Pki, Sealing, Sealpost, Signing, Table, Transport, peers,
    sample,
};

/// What stands in front of the table.
const INTRODUCTION: &str = "\
# Interoperability

Written by `SEALPOST_BASELINES=write cargo test -p sealpost-interop --test smime`; without the variable the test compares. `cargo xtask test` installs the peers.

S/MIME with five programs, each called as its users call it. **ours**: made by `sealpost smime`, read by the peer. **theirs**: made by the peer, read by `sealpost smime`. ✓: the signature is valid up to the root and what was signed is what was sent, or what was decrypted is. A number: the peer can't, and says so below in its own words. We read all that they make and that they read themselves.

No peer reads or makes X25519 (RFC 8418). Another test takes ours apart, and makes such mails, with the primitives of Python's cryptography and the structures written by hand.

";

/// One case, in which each program makes a mail and each reads that of each.
struct Case<'a> {
    row: String,
    make: &'a dyn Fn(&dyn Peer) -> Outcome,
    read: &'a dyn Fn(&dyn Peer, &[u8]) -> Outcome,
    /// Whether this is what must come out.
    is_right: fn(&[u8]) -> bool,
}

impl Case<'_> {
    fn reads(&self, reader: &dyn Peer, mail: &[u8]) -> Outcome<()> {
        let content = (self.read)(reader, mail)?;
        if (self.is_right)(&content) { Ok(()) } else { Err("it gives out something else".into()) }
    }

    /// Puts down both ways with each peer. Gives what is wrong with ours.
    fn run(&self, ours: &dyn Peer, peers: &[Box<dyn Peer + '_>], table: &mut Table) -> Vec<String> {
        let mut defects = Vec::new();
        let theirs: Vec<Outcome> = peers.iter().map(|peer| (self.make)(peer.as_ref())).collect();
        let made = (self.make)(ours);
        defects.extend(made.as_ref().err().map(|why| format!("{}: sealpost: {why}", self.row)));
        let mut put = |peer: &dyn Peer, way: &str, cell: Result<Cell, String>| {
            let (row, name) = (format!("{} | {way}", self.row), peer.name());
            match cell {
                Ok(cell) => table.put(&row, name, cell),
                Err(why) => defects.push(format!("{row}: {name}: {why}")),
            }
        };
        if let Ok(made) = &made {
            peers.iter().for_each(|peer| put(peer.as_ref(), "ours", self.ours(peer.as_ref(), made, &theirs)));
        }
        for (peer, their) in peers.iter().zip(&theirs) {
            put(peer.as_ref(), "theirs", self.theirs(ours, peer.as_ref(), their));
        }
        defects
    }

    /// A peer reads ours. If it does not, it must not read anybody else's either.
    fn ours(&self, peer: &dyn Peer, made: &[u8], theirs: &[Outcome]) -> Result<Cell, String> {
        let Err(words) = self.reads(peer, made) else { return Ok(Cell::Works) };
        let reads_another = theirs.iter().flatten().any(|mail| self.reads(peer, mail).is_ok());
        if reads_another { Err(format!("reads others' and not ours: {words}")) } else { Ok(Cell::Refused(words)) }
    }

    /// We read theirs. If we do not, the peer must not be able to either.
    fn theirs(&self, ours: &dyn Peer, peer: &dyn Peer, made: &Outcome) -> Result<Cell, String> {
        let made = match made {
            Ok(made) => made,
            Err(words) => return Ok(Cell::Refused(words.clone())),
        };
        let Err(why) = self.reads(ours, made) else { return Ok(Cell::Works) };
        match self.reads(peer, made) {
            Ok(()) => Err(why),
            Err(words) => Ok(Cell::Refused(format!("{words} (reading what it made itself)"))),
        }
    }
}

/// The paddings that a key knows.
fn paddings(by: &Identity) -> &'static [(Padding, &'static str)] {
    if by.is_rsa() { &[(Padding::Plain, " PKCS#1 v1.5"), (Padding::Pss, " PSS")] } else { &[(Padding::Plain, "")] }
}

/// The ways in which a content key gets to a key's owner.
fn transports(to: &Identity) -> &'static [(Transport, &'static str)] {
    match to.kind {
        "X25519" => &[(Transport::Agreement, "X25519")],
        _ if to.is_rsa() => &[(Transport::Pkcs1, "PKCS#1 v1.5"), (Transport::Oaep, "OAEP")],
        _ => &[(Transport::Agreement, "ECDH")],
    }
}

fn signatures(pki: &Pki, ours: &dyn Peer, peers: &[Box<dyn Peer + '_>], table: &mut Table) -> Vec<String> {
    table.section("Signatures", "key | form | way");
    let mut defects = Vec::new();
    for by in &pki.signers {
        let mail = sample::mail(&by.address);
        for (padding, scheme) in paddings(by) {
            for (form, name) in [(Form::Multipart, "multipart"), (Form::Opaque, "opaque")] {
                let case = Case {
                    row: format!("{}{scheme} | {name}", by.kind),
                    make: &|peer| peer.sign(&Signing::new(by, form, *padding), &mail),
                    read: &|peer, mail| peer.verify(mail),
                    is_right: sample::is_in,
                };
                defects.extend(case.run(ours, peers, table));
            }
        }
    }
    defects
}

fn encryption(pki: &Pki, ours: &dyn Peer, peers: &[Box<dyn Peer + '_>], table: &mut Table) -> Vec<String> {
    table.section("Encryption", "recipient | transport | cipher | way");
    let mail = sample::mail("alice@example.org");
    let mut defects = Vec::new();
    for to in &pki.readers {
        for (transport, name) in transports(to) {
            for cipher in Cipher::ALL {
                let case = Case {
                    row: format!("{} | {name} | {}", to.kind, cipher.name().to_ascii_uppercase()),
                    make: &|peer| peer.encrypt(&Sealing::new(to, cipher, *transport), &mail),
                    read: &|peer, mail| peer.decrypt(to, mail),
                    is_right: |content| content == sample::CONTENT.as_bytes(),
                };
                defects.extend(case.run(ours, peers, table));
            }
        }
    }
    defects
}

#[test]
fn the_table_of_who_reads_whom() {
    let pki = Pki::new();
    let (ours, peers) = (Sealpost::new(&pki), peers(&pki));
    let mut table = Table::new(peers.iter().map(|peer| (peer.name().into(), peer.version())));
    let mut defects = signatures(&pki, &ours, &peers, &mut table);
    defects.extend(encryption(&pki, &ours, &peers, &mut table));
    assert!(defects.is_empty(), "{}", defects.join("\n"));
    table.is_in("interop.md", INTRODUCTION);
}
