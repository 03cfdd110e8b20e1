//! Orders: what was asked for, found again by its key.

use sealpost_rollover::{GenerationId, Slot, SubjectId, SubjectKind, Time, port::DurableRequest};
use serde::{Deserialize, Serialize};

use super::{
    fault::Fault,
    issue::{Asked, from_hex, random_serial, to_hex},
    ledger::Ledger,
    settings::Settings,
};
use crate::{Error, Profile, Result, address, keys, request, write};

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) id: GenerationId,
    pub(crate) address: &'a str,
    /// PKCS#10 in DER.
    pub(crate) request: &'a [u8],
    pub(crate) spki_sha256: &'a [u8],
    pub(crate) tag: String,
}

impl<'a> Ask<'a> {
    pub(super) fn from_durable(request: &'a DurableRequest) -> Self {
        Self {
            id: request.id(),
            address: request.address(),
            request: request.request(),
            spki_sha256: request.spki_sha256(),
            tag: request.tag(),
        }
    }
}

/// An order. Its name is its tag and the how many-th it is of that tag.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    tag: String,
    spki_sha256: String,
    pub(super) address: String,
    pub(super) kind: SubjectKind,
    pub(super) slot: Slot,
    request: String,
    made: Time,
    /// The serial number that its certificate gets: known from the start, so that a crash makes no second one.
    serial: String,
    /// When it is decided.
    pub(super) ready_at: Time,
    /// What goes wrong with it.
    pub(super) fault: Option<Fault>,
    /// The certificate, once it is issued.
    pub(super) certificate: Option<String>,
}

impl Order {
    /// If the request is one: signed with the key that it is for, and for the address of the order.
    pub(super) fn new(ask: &Ask<'_>, fault: Option<Fault>, now: Time, settings: &Settings) -> Result<Self> {
        let kind = kind_of(ask.id.subject, ask.address)?;
        if kind == SubjectKind::CaCredential && settings.profile == Profile::Strict {
            return Err(Error::Refused("a strict authority issues certificates for mail only".to_owned()));
        }
        let request = request::read(ask.request)?;
        if keys::names_of(&request.spki).spki_sha256 != ask.spki_sha256 {
            return Err(Error::Refused("the request is for another key than the order".to_owned()));
        }
        let names = address::names(kind, ask.id.slot, ask.address)?;
        if !request.addresses.iter().map(String::as_str).eq(names.iter().map(address::MailName::as_str)) {
            return Err(Error::Refused("the request is for other addresses than the order".to_owned()));
        }
        let ready_at = match fault {
            Some(Fault::Delay(wait)) => now + wait,
            Some(Fault::Silence) => Time::NEVER,
            _ => now,
        };
        Ok(Self {
            tag: ask.tag.clone(),
            spki_sha256: to_hex(ask.spki_sha256),
            address: ask.address.to_owned(),
            kind,
            slot: ask.id.slot,
            request: to_hex(ask.request),
            made: now,
            serial: to_hex(&random_serial()?),
            ready_at,
            fault,
            certificate: None,
        })
    }

    /// Writes it down as the next one after `before` others of its tag; gives its name.
    pub(super) fn keep(&self, ledger: &Ledger, before: usize) -> Result<String> {
        let id = format!("{}-{}", self.tag, before + 1);
        self.save(ledger, &id)?;
        Ok(id)
    }

    pub(super) fn save(&self, ledger: &Ledger, id: &str) -> Result<()> {
        ledger.write(&file(id), self)
    }

    pub(super) fn load(ledger: &Ledger, id: &str) -> Result<Option<Self>> {
        // It becomes the name of a file.
        if !id.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') {
            return Ok(None);
        }
        ledger.read(&file(id))
    }

    /// The serial number of its certificate: INTEGER in DER.
    pub(super) fn serial(&self) -> Result<Vec<u8>> {
        Ok(write::unsigned(&from_hex(&self.serial)?))
    }

    /// What was asked for.
    pub(super) fn asked(&self) -> Result<Asked> {
        let spki = request::read(&from_hex(&self.request)?)?.spki;
        Ok(Asked { kind: self.kind, slot: self.slot, address: self.address.clone(), spki })
    }
}

fn file(id: &str) -> String {
    format!("orders/{id}.json")
}

/// The orders of that tag and key, the oldest one first.
pub(super) fn known(ledger: &Ledger, ask: &Ask<'_>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    loop {
        let id = format!("{}-{}", ask.tag, found.len() + 1);
        match Order::load(ledger, &id)? {
            Some(order) if order.spki_sha256 == to_hex(ask.spki_sha256) => found.push(id),
            Some(_) => return Err(Error::Refused("there is an order of that tag for another key".to_owned())),
            None => return Ok(found),
        }
    }
}

/// What a subject is: its id is made of that and of its address.
fn kind_of(id: SubjectId, address: &str) -> Result<SubjectKind> {
    let found = SubjectKind::ALL.into_iter().find(|kind| SubjectId::of(*kind, address) == id);
    found.ok_or_else(|| Error::Refused(format!("{address:?} is not the address of the subject {id}")))
}
