//! An authority in virtual time, with faults that follow from a seed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{clock::ManualClock, dice::Dice, workshop::SimulatedCertificate};
use crate::{
    GenerationId, RevocationReason, Slot, Span, SubjectId, Time,
    authority::{Capabilities, CertificateAuthority, Issued, OrderId, Progress, Reconciled, Submission},
    port::{CertificateRecord, DurableRequest},
};

/// What goes wrong, in percent of the cases unless it says something else.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests write out what goes wrong")]
pub struct Faults {
    /// What chance follows from.
    pub seed: u64,
    /// From when until when it can't be reached.
    pub outages: Vec<(Time, Time)>,
    /// The answer gets lost, before or after an order was made.
    pub ambiguous: u8,
    /// Two orders are made of one request.
    pub duplicate: u8,
    /// "Too many requests."
    pub rate_limited: u8,
    /// The order is accepted, and never decided.
    pub silent: u8,
    /// The order is refused.
    pub refused: u8,
    /// The certificate is not what was asked for.
    pub wrong: u8,
    /// How many orders of a slot in a row are silent, refused or wrong at most.
    pub in_a_row: u32,
    /// How long an order takes at most.
    pub delay: Span,
}

impl Faults {
    /// Nothing goes wrong.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            seed: 0,
            outages: Vec::new(),
            ambiguous: 0,
            duplicate: 0,
            rate_limited: 0,
            silent: 0,
            refused: 0,
            wrong: 0,
            in_a_row: 0,
            delay: Span::ZERO,
        }
    }
}

/// An order that it made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Order {
    /// For which generation.
    pub id: GenerationId,
    /// For which key.
    pub spki_sha256: Vec<u8>,
    /// The certificate, if there is one yet.
    pub certificate: Option<SimulatedCertificate>,
    /// Whether that is what was asked for.
    pub is_fit: bool,
    /// Whether it was revoked since.
    pub is_revoked: bool,
    tag: String,
    address: String,
    ready_at: Time,
    fate: OrderFate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OrderFate {
    Good,
    Silent,
    Refused,
    Wrong(u64),
}

/// The authority. A clone is the same one.
#[derive(Clone, Debug)]
pub struct SimulatedAuthority {
    clock: ManualClock,
    capabilities: Capabilities,
    lifetime: Span,
    books: Arc<Mutex<Books>>,
}

#[derive(Debug)]
struct Books {
    faults: Faults,
    dice: Dice,
    orders: Vec<Order>,
    asked: Vec<Time>,
    in_a_row: BTreeMap<(SubjectId, Slot), u32>,
}

impl SimulatedAuthority {
    /// One that takes `requests_per_hour` and issues for `lifetime`.
    #[must_use]
    pub fn new(clock: ManualClock, requests_per_hour: u32, lifetime: Span, faults: Faults) -> Self {
        let dice = Dice::new(faults.seed);
        let books = Books { faults, dice, orders: Vec::new(), asked: Vec::new(), in_a_row: BTreeMap::new() };
        let capabilities = Capabilities::new(requests_per_hour);
        Self { clock, capabilities, lifetime, books: Arc::new(Mutex::new(books)) }
    }

    /// All orders that it made, the first one first.
    #[must_use]
    pub fn orders(&self) -> Vec<Order> {
        self.books().orders.clone()
    }

    /// When it was asked.
    #[must_use]
    pub fn asked(&self) -> Vec<Time> {
        self.books().asked.clone()
    }

    /// From now on this goes wrong.
    pub fn set_faults(&self, faults: Faults) {
        self.books().faults = faults;
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreachable() -> String {
    "it can't be reached".to_owned()
}

impl Books {
    /// A request comes in, unless it can't be reached.
    fn ask(&mut self, now: Time) -> Result<(), String> {
        self.asked.push(now);
        let out = self.faults.outages.iter().any(|&(from, until)| from <= now && now < until);
        if out { Err(unreachable()) } else { Ok(()) }
    }

    fn order(&mut self, request: &DurableRequest, now: Time) -> usize {
        let fate = self.fate(request.id());
        let order = Order {
            id: request.id(),
            spki_sha256: request.spki_sha256().to_vec(),
            certificate: None,
            is_fit: fate == OrderFate::Good,
            is_revoked: false,
            tag: request.tag(),
            address: request.address().to_owned(),
            ready_at: now + self.dice.span(self.faults.delay),
            fate,
        };
        self.orders.push(order);
        self.orders.len() - 1
    }

    fn fate(&mut self, id: GenerationId) -> OrderFate {
        let faults = &self.faults;
        let row = self.in_a_row.entry((id.subject, id.slot)).or_default();
        let roll = self.dice.below(100);
        let [silent, refused, wrong] = [faults.silent, faults.refused, faults.wrong].map(u64::from);
        let fate = match roll {
            _ if *row >= faults.in_a_row => OrderFate::Good,
            roll if roll < silent => OrderFate::Silent,
            roll if roll < silent + refused => OrderFate::Refused,
            roll if roll < silent + refused + wrong => OrderFate::Wrong(self.dice.below(4)),
            _ => OrderFate::Good,
        };
        *row = if fate == OrderFate::Good { 0 } else { *row + 1 };
        fate
    }

    fn progress(&mut self, index: usize, now: Time, lifetime: Span) -> Progress {
        let serial = u64::try_from(index).unwrap_or(u64::MAX);
        let Some(order) = self.orders.get_mut(index) else {
            return Progress::Refused { reason: "there is no such order".to_owned() };
        };
        if order.fate == OrderFate::Silent || order.ready_at > now {
            return Progress::Pending { poll_at: None };
        }
        if order.fate == OrderFate::Refused {
            return Progress::Refused { reason: "the product is not sold any more".to_owned() };
        }
        let certificate = order.certificate.get_or_insert_with(|| issue(order.fate, serial, now, lifetime));
        certificate.address.clone_from(&order.address);
        if order.fate != OrderFate::Wrong(0) {
            certificate.spki_sha256.clone_from(&order.spki_sha256);
        }
        if order.fate == OrderFate::Wrong(1) {
            "somebody@else.example".clone_into(&mut certificate.address);
        }
        Progress::Issued(Issued::new(serde_json::to_vec(certificate).unwrap_or_default(), Vec::new()))
    }
}

/// A certificate as `fate` has it, but for whom and which key it is.
fn issue(fate: OrderFate, serial: u64, now: Time, lifetime: Span) -> SimulatedCertificate {
    let not_before = if fate == OrderFate::Wrong(2) { now + Span::days(30) } else { now };
    let lifetime = if fate == OrderFate::Wrong(3) { Span::days(826) } else { lifetime };
    SimulatedCertificate {
        issuer: "CN=Simulated authority".to_owned(),
        serial,
        address: String::new(),
        spki_sha256: vec![0; 32],
        not_before,
        // The last second counts.
        not_after: not_before + lifetime - Span::seconds(1),
    }
}

impl CertificateAuthority for SimulatedAuthority {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn submit(&self, request: &DurableRequest) -> Submission {
        let now = self.clock.now();
        let mut books = self.books();
        let lost = books.faults.ambiguous;
        if let Err(reason) = books.ask(now) {
            // Some of those who can't reach it don't know that.
            let unsure = books.dice.hits(lost);
            return if unsure { Submission::Ambiguous { reason } } else { Submission::Unavailable { reason } };
        }
        let limited = books.faults.rate_limited;
        if books.dice.hits(limited) {
            return Submission::RateLimited { retry_at: Some(now + Span::minutes(30)) };
        }
        let lost = books.dice.hits(lost);
        if lost && books.dice.hits(50) {
            return Submission::Ambiguous { reason: "the request got lost".to_owned() };
        }
        let index = books.order(request, now);
        let duplicate = books.faults.duplicate;
        if books.dice.hits(duplicate) {
            let twin = books.orders.get(index).cloned();
            books.orders.extend(twin);
        }
        if lost {
            return Submission::Ambiguous { reason: "the answer got lost".to_owned() };
        }
        let order = OrderId::new(index.to_string());
        match books.progress(index, now, self.lifetime) {
            Progress::Issued(issued) => Submission::Issued { order, issued },
            Progress::Refused { reason } => Submission::Refused { reason },
            _ => Submission::Accepted { order, poll_at: None },
        }
    }

    async fn find(&self, request: &DurableRequest) -> Reconciled {
        let mut books = self.books();
        if let Err(reason) = books.ask(self.clock.now()) {
            return Reconciled::Unavailable { reason };
        }
        let tag = request.tag();
        let of_tag = books.orders.iter().enumerate().filter(|(_, order)| order.tag == tag);
        Reconciled::Orders(of_tag.map(|(index, _)| OrderId::new(index.to_string())).collect())
    }

    async fn poll(&self, order: &OrderId) -> Progress {
        let now = self.clock.now();
        let mut books = self.books();
        match books.ask(now) {
            Ok(()) => books.progress(order.as_str().parse().unwrap_or(usize::MAX), now, self.lifetime),
            Err(reason) => Progress::Unavailable { reason },
        }
    }

    async fn revoke(&self, certificate: &CertificateRecord, _: RevocationReason) -> Result<(), String> {
        let mut books = self.books();
        books.ask(self.clock.now())?;
        let serial = certificate.serial.iter().fold(0, |serial, &octet| (serial << 8) | u64::from(octet));
        let is = |order: &&mut Order| order.certificate.as_ref().is_some_and(|issued| issued.serial == serial);
        match books.orders.iter_mut().find(is) {
            Some(order) => order.is_revoked = true,
            None => return Err("it did not issue that".to_owned()),
        }
        Ok(())
    }
}
