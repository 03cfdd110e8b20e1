//! What is known about a destination: out of a file, or from the network.

use std::{io::Read, path::Path};

use sealpost::tls_policy::{
    HostPlan,
    facts::{DestinationFacts, NextHop, RecordedSession, SessionFacts},
};
use serde::{Deserialize, Serialize};

use crate::{
    failure::{At, Failure, Result},
    files::Place,
};

/// Facts are no larger.
const MOST: u64 = 16 << 20;

/// What is known. A recorded delivery has this and more.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Gathered {
    pub(super) destination: DestinationFacts,
    #[serde(default)]
    pub(super) sessions: Vec<RecordedSession>,
    /// Where reports about TLS go, or why nowhere, in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tlsrpt: Option<String>,
}

impl Gathered {
    /// Out of a file with one of them, and with any line end behind it.
    pub(super) fn read(path: &Path, next_hop: &NextHop) -> Result<Self> {
        let mut content = Vec::new();
        Place::from(Some(path.to_owned())).mail(MOST)?.read_to_end(&mut content).at(path)?;
        let gathered: Self = match serde_json::from_slice(&content) {
            // What `tls explain --json` printed.
            Ok(Printed { facts }) => facts,
            Err(_) => serde_json::from_slice(&content).at(path)?,
        };
        let found = &gathered.destination.next_hop;
        if found != next_hop {
            let message = format!("{}: the facts are about {}, not {}", path.display(), name(found), name(next_hop));
            return Err(Failure::new(message));
        }
        Ok(gathered)
    }

    /// What the connection to a host showed.
    pub(super) fn session(&self, host: &HostPlan<'_>) -> Option<&SessionFacts> {
        let name = host.name().map(ToString::to_string).or_else(|| host.address().map(|ip| ip.to_string()))?;
        let of_host = |session: &&RecordedSession| session.host.trim_end_matches('.').eq_ignore_ascii_case(&name);
        self.sessions.iter().rev().find(of_host).map(|session| &session.facts)
    }
}

#[derive(Deserialize)]
struct Printed {
    facts: Gathered,
}

/// What people call a next hop.
pub(super) fn name(next_hop: &NextHop) -> String {
    match next_hop {
        NextHop::Domain(domain) => domain.to_string(),
        NextHop::Host { name, port } => format!("[{name}]:{port}"),
        NextHop::Address(address) => format!("[{address}]"),
        _ => "another next hop".to_owned(),
    }
}
