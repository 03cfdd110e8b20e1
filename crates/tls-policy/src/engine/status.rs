//! Codes and texts of what is written into the queue or the bounce. The texts are those of Postfix where it has one, for
//! logs and habits know them.

use super::{HostVerdict, Plan};
use crate::{
    facts::{Addresses, Channel, NextHop, StsState},
    requirement::Atom,
    verdict::Status,
};

/// RFC 7505: `5.1.10`.
pub(super) fn null_mx(plan: &Plan<'_>) -> Status {
    Status::new([5, 1, 10], format!("Domain {} does not accept mail (nullMX)", destination(plan)))
}

pub(super) fn no_such_domain(plan: &Plan<'_>) -> Status {
    let text =
        format!("Host or domain name not found. Name service error for name={}: Host not found", destination(plan));
    Status::new([5, 1, 2], text)
}

pub(super) fn mx_failed(plan: &Plan<'_>) -> Status {
    let domain = destination(plan);
    let text = format!("Host or domain name not found. Name service error for name={domain} type=MX: try again");
    Status::new([4, 4, 3], text)
}

pub(super) fn no_hosts(plan: &Plan<'_>) -> Status {
    Status::new([4, 4, 4], format!("Domain {} has no host that takes mail", destination(plan)))
}

/// The same for good: the queue gives up (RFC 3463 §3.5: delivery time expired).
pub(super) fn finally(status: Status) -> Status {
    let code = match status.code {
        [_, 4, _] => [5, 4, 7],
        [_, subject, detail] => [5, subject, detail],
    };
    Status { code, ..status }
}

impl HostVerdict<'_> {
    /// REQUIRETLS is all that is missing, over a connection that would be safe (RFC 8689 §4.2.1).
    pub(super) fn lacks_only_requiretls(&self) -> bool {
        let missing = self.missing();
        self.is_reached() && missing.requires(Atom::RequireTls) && missing.iter().count() == 1
    }

    /// `4.7.10` where encryption is missing, `4.7.5` where something else about security is.
    pub(super) fn waiting(&self) -> Status {
        if let Some(status) = self.not_reached() {
            return status;
        }
        let code = if self.missing().requires(Atom::Encrypted) { [4, 7, 10] } else { [4, 7, 5] };
        Status::new(code, self.cause())
    }

    /// `5.7.30` where only REQUIRETLS is missing, else `5.7.10` (RFC 8689 §4.2.1).
    pub(super) fn stopped(&self) -> Status {
        let code = if self.lacks_only_requiretls() { [5, 7, 30] } else { [5, 7, 10] };
        Status::new(code, self.cause())
    }

    fn not_reached(&self) -> Option<Status> {
        let host = self.host();
        match (self.channel(), self.plan().host()) {
            (Some(Channel::Unreachable { reason }), _) => {
                Some(Status::new([4, 4, 1], format!("connect to {host}: {reason}")))
            }
            (None, Some(facts)) => match &facts.addresses {
                Addresses::Found(found) if !found.is_empty() => None,
                Addresses::Found(_) | Addresses::None => {
                    Some(Status::new([4, 4, 4], format!("host {host} has no address")))
                }
                Addresses::Failed => {
                    let text = format!("Host or domain name not found. Name service error for name={host}: try again");
                    Some(Status::new([4, 4, 3], text))
                }
            },
            _ => None,
        }
    }

    /// `mx.example.org[192.0.2.1]`, as Postfix writes it.
    fn host(&self) -> String {
        let address = self.address();
        match (self.name(), address) {
            (Some(name), Some(address)) => format!("{name}[{address}]"),
            (Some(name), None) => name.to_string(),
            (None, Some(address)) => format!("{address}[{address}]"),
            (None, None) => String::new(),
        }
    }

    /// What is missing, in one line: the first thing that a server must have before the others can be looked at.
    fn cause(&self) -> String {
        let (host, missing) = (self.host(), self.missing());
        let port = self.port();
        // Without it no connection is made, and nothing else is known.
        if missing.requires(Atom::TlsaAnswered) {
            return format!("TLSA lookup error for {}:{port}", self.name_or_address());
        }
        if missing.requires(Atom::Encrypted) {
            return self.no_tls(&host);
        }
        if missing.requires(Atom::Tls13) {
            return format!("TLS is required, but host {host} offers only TLS versions older than 1.3");
        }
        if missing.requires(Atom::MxListed) {
            return format!("host {host} is not listed by the MTA-STS policy of {}", self.domain());
        }
        self.not_authenticated(&host)
    }

    fn no_tls(&self, host: &str) -> String {
        match self.channel() {
            Some(Channel::Refused { reply }) => {
                format!("TLS is required, but host {host} refused to start TLS: {reply}")
            }
            Some(Channel::TooOld) => {
                format!("TLS is required, but host {host} offers only TLS versions older than 1.2")
            }
            Some(Channel::HandshakeFailed { reason }) => {
                format!("Cannot start TLS: handshake failure with host {host}: {reason}")
            }
            _ => format!("TLS is required, but was not offered by host {host}"),
        }
    }

    fn not_authenticated(&self, host: &str) -> String {
        let missing = self.missing();
        let requiretls = missing.requires(Atom::RequireTls) || self.plan().requirements().requires(Atom::RequireTls);
        if self.plan().host().is_none()
            && (missing.requires(Atom::PeerAuthenticated) || missing.requires(Atom::MxSecure))
        {
            return format!("TLS is required, but host {host} has no name to be authenticated by");
        }
        if missing.requires(Atom::Dane) && self.plan().tlsa().is_empty() {
            return format!("no TLSA records found for {}:{}", self.name_or_address(), self.port());
        }
        if missing.requires(Atom::MxSecure) {
            return format!("non DNSSEC destination {}", self.domain());
        }
        let certificate = [Atom::PeerAuthenticated, Atom::Pkix, Atom::Dane];
        if certificate.into_iter().any(|atom| missing.requires(atom)) {
            return if requiretls {
                let sentence = "Sender requested REQUIRETLS, but no (trusted or matching) server certificate was found";
                format!("{sentence}. The last attempted server was {host}")
            } else {
                format!("Server certificate not verified: host {host}")
            };
        }
        if missing.requires(Atom::MxAuthenticated) {
            let unknown = self.plan().facts.sts == StsState::Unknown;
            let sts = if unknown { "MTA-STS, whose policy could not be looked up" } else { "MTA-STS" };
            return format!("the name of host {host} is vouched for neither by DNSSEC nor by {sts}");
        }
        let sentence = "Sender requested REQUIRETLS, but no server was found that supports REQUIRETLS";
        format!("{sentence}. The last attempted server was {host}")
    }

    fn name_or_address(&self) -> String {
        self.name().map_or_else(|| self.host(), ToString::to_string)
    }

    fn domain(&self) -> String {
        hop(&self.plan().facts.next_hop)
    }
}

fn destination(plan: &Plan<'_>) -> String {
    hop(&plan.facts.next_hop)
}

fn hop(next_hop: &NextHop) -> String {
    match next_hop {
        NextHop::Domain(domain) => domain.to_string(),
        NextHop::Host { name, port } => format!("[{name}]:{port}"),
        NextHop::Address(address) => format!("[{address}]"),
    }
}
