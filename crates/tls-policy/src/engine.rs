//! The decision: facts in, a verdict out. No network, no clock, no state.
//!
//! 1. [`requirements`]: what a mail asks for by itself, whichever host it goes to. Equal requirements make recipients
//!    of one domain a group that can share a transaction.
//! 2. [`plan`]: which hosts may be tried, in which order, and what each must hold to.
//! 3. [`judge`]: what a connection to one of them is worth, after the handshake and the second EHLO, before MAIL FROM.
//! 4. [`conclude`]: what becomes of the mail.
//!
//! [`decide`] does the last two at once, for facts that are all there.
//!
//! ```
//! use sealpost_time::Time;
//! use sealpost_tls_policy::{
//!     Attempt, DestinationPolicy, Guarantee, Message, Verdict, conclude,
//!     facts::{Addresses, Channel, DestinationFacts, Dnssec, HostFacts, Mx, NextHop, SessionFacts, Tlsa},
//!     judge, plan, requirements,
//! };
//!
//! // Your resolver says:
//! let addresses = Addresses::Found(vec![[192, 0, 2, 1].into()]);
//! let host = HostFacts::new("mx.example.org".parse()?, 10, addresses, Tlsa::Absent);
//! let mx = Mx::Hosts { dnssec: Dnssec::Insecure, hosts: vec![host] };
//! let facts = DestinationFacts::new(NextHop::Domain("example.org".parse()?), mx);
//!
//! let now = Time::from_unix(1_795_780_800);
//! let wants = requirements(&Message::default(), Guarantee::On, &DestinationPolicy::default(), now);
//! let plan = plan(&wants, &facts);
//! let mut tried = Vec::new();
//! for host in plan.hosts().filter(|host| host.refused().is_none()) {
//!     // Here you connect, by host.name(), host.sni() and host.min_version(), up to MAIL FROM.
//!     let session = SessionFacts::new(Channel::NotOffered);
//!     tried.push(judge(&host, &session));
//!     if tried.last().is_some_and(|verdict| verdict.delivers()) {
//!         break;
//!     }
//! }
//! let Verdict::Bounce { status, .. } = conclude(&plan, &tried, None, Attempt::default()) else { panic!() };
//! assert_eq!(status.to_string(), "5.7.10 TLS is required, but was not offered by host mx.example.org");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # One connection, many mails
//!
//! What a connection showed stays true of it, but a verdict is about one mail: where a connection is used again, judge
//! again. A mail with a guarantee must not ride on the connection of a mail without. [`conclude`] judges anew by the
//! facts of each connection, so that a verdict that was made for another mail does no harm.
//!
//! # What sets what aside
//!
//! - A domain with a null MX takes no mail: nothing comes before that (RFC 7505).
//! - REQUIRETLS, with a sender who can be told, comes before `TLS-Required: No` (RFC 8689 §4.1).
//! - `TLS-Required: No` sets the recipient's policies aside, MTA-STS and DANE, and nothing else. If the sender has a
//!   guarantee too, the guarantee stays, and the verdict says so.
//! - An override that was redeemed sets the user's guarantee aside, for that mail and that recipient, and nothing else.
//! - Answers by the server and a user's own forwards are exempt from the user's guarantee, and from nothing else.
//! - An administrator's exception sets the recipient's policies aside until its end, and nothing else.

mod conclude;
mod judge;
mod plan;
mod reason;
mod reroute;
mod status;

use sealpost_time::Time;

pub use self::{
    conclude::{Attempt, conclude, decide},
    judge::{HostVerdict, judge},
    plan::{HostPlan, Plan, plan},
};
use crate::{
    message::{DestinationPolicy, Guarantee, Level, Message, Rule},
    requirement::{Atom, Note, Origin, Requirements},
};

/// What a mail asks for by itself for one recipient: by its envelope, its user's guarantee, and the organisation's
/// settings for the destination. What the recipient's side asks for depends on the host, and comes in [`plan`].
#[must_use]
pub fn requirements(message: &Message, guarantee: Guarantee, policy: &DestinationPolicy, now: Time) -> Requirements {
    let mut wants = Requirements::NONE;
    by_guarantee(&mut wants, *message, guarantee);
    if let Some(level) = policy.compliance {
        by_level(&mut wants, level, Origin::OrgCompliance);
    }
    match &policy.rule {
        Some(Rule::Floor(level)) => by_level(&mut wants, *level, Origin::AdminMap),
        Some(Rule::Exception { until, .. }) => {
            wants.note(if now < *until { Note::Exception } else { Note::ExceptionOver });
        }
        None => {}
    }
    by_requiretls(&mut wants, *message);
    if message.tls_required_no {
        // Whatever the sender is: the header counts for nothing if the envelope has the parameter.
        wants.note(if message.requiretls { Note::TlsRequiredNoIgnored } else { Note::TlsRequiredNo });
        if !message.requiretls && !wants.is_empty() {
            wants.note(Note::GuaranteeStays);
        }
    }
    wants
}

fn by_guarantee(wants: &mut Requirements, message: Message, guarantee: Guarantee) {
    if guarantee == Guarantee::Off {
        return;
    }
    if message.origin.is_exempt() {
        wants.note(Note::Exempt);
        return;
    }
    if message.one_time {
        wants.note(Note::OneTime);
        return;
    }
    wants.add(Atom::Encrypted, Origin::UserGuarantee);
    wants.add(Atom::Tls12, Origin::UserGuarantee);
    if guarantee == Guarantee::Strict {
        wants.add(Atom::PeerAuthenticated, Origin::UserGuarantee);
        wants.add(Atom::MxAuthenticated, Origin::UserGuarantee);
    }
}

fn by_level(wants: &mut Requirements, level: Level, origin: Origin) {
    wants.add(Atom::Encrypted, origin);
    wants.add(Atom::Tls12, origin);
    match level {
        Level::Encrypted => {}
        Level::Authenticated => wants.add(Atom::PeerAuthenticated, origin),
        Level::DaneOnly => {
            wants.add(Atom::Dane, origin);
            wants.add(Atom::MxSecure, origin);
        }
        Level::Tls13 => wants.add(Atom::Tls13, origin),
    }
}

/// RFC 8689 §4.2.1: nobody could be told about a mail with an empty sender, so it is sent without.
fn by_requiretls(wants: &mut Requirements, message: Message) {
    if !message.requiretls {
        return;
    }
    if message.null_sender {
        wants.note(Note::NullSender);
        return;
    }
    for atom in [Atom::Encrypted, Atom::Tls12, Atom::PeerAuthenticated, Atom::MxAuthenticated, Atom::RequireTls] {
        wants.add(atom, Origin::RequireTls);
    }
}
