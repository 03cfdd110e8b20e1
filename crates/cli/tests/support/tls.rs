//! What the tests of `sealpost tls` share: a folder in which the tool runs, and facts.

use std::fs;

use serde_json::{Value, json};

#[path = "site.rs"]
mod site;

pub(crate) use site::{Site, said};

impl Site {
    pub(crate) fn new() -> Self {
        Self::of("tls")
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// What it tells machines.
    pub(crate) fn json(&self, command: &str) -> Value {
        let output = self.run(&format!("{command} --json"));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{command}: {error}: {}", said(&output)))
    }
}

/// The facts about example.org, whose only host shows this channel.
pub(crate) fn facts(channel: &Value) -> Value {
    json!({
        "destination": {
            "next-hop": { "domain": "example.org" },
            "mx": { "hosts": { "dnssec": "insecure", "hosts": [{
                "name": "mx.example.org",
                "preference": 10,
                "port": 25,
                "addresses": { "found": ["192.0.2.25"] },
                "tlsa": "not-asked",
            }] } },
        },
        "sessions": [{ "host": "mx.example.org", "facts": { "address": "192.0.2.25", "channel": channel } }],
    })
}

/// TLS with a certificate of this worth.
pub(crate) fn tls(pkix: &str, dane: &str) -> Value {
    json!({ "tls": { "version": "1.3", "certificate": { "pkix": pkix, "dane": dane } } })
}

/// The same as a recorded delivery.
pub(crate) fn recorded(sender: &str, recipient: &str, facts: &Value) -> Value {
    let domain = recipient.rsplit('@').next().unwrap();
    let mut recorded = facts.clone();
    recorded["destination"]["next-hop"]["domain"] = domain.into();
    recorded["at"] = 1_795_780_800.into();
    recorded["sender"] = sender.into();
    recorded["recipient"] = recipient.into();
    recorded
}
