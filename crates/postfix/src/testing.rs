//! A world for tests: what it says is set beforehand, and what is asked is counted.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sealpost_mail::{Address, Domain};
use sealpost_time::Time;
use sealpost_tls_policy::{
    engine::Plan,
    facts::{Addresses, Channel, DestinationFacts, Dnssec, HostFacts, Mx, NextHop, SessionFacts, StsState, Tlsa},
    message::{DestinationPolicy, Guarantee},
    route::AlternateRoute,
};
use serde_json::json;

use crate::{
    Error, Result,
    next_hop::Hop,
    outside::{Known, Outside, Session},
};

pub(crate) fn name(text: &str) -> Domain {
    text.parse().unwrap()
}

/// A host with one address.
pub(crate) fn host(text: &str, preference: u16, tlsa: Tlsa) -> HostFacts {
    HostFacts::new(name(text), preference, Addresses::Found(vec!["192.0.2.1".parse().unwrap()]), tlsa)
}

pub(crate) fn usable(base: &str) -> Tlsa {
    let record = json!({ "usage": 3, "selector": 1, "matching": 1, "data": vec![7; 32] });
    Tlsa::Usable { base: name(base), records: vec![serde_json::from_value(record).unwrap()] }
}

pub(crate) fn sts(mode: &str, mx: &[&str]) -> StsState {
    StsState::Policy(serde_json::from_value(json!({ "mode": mode, "mx": mx, "max-age": 86_400 })).unwrap())
}

pub(crate) fn destination(dnssec: Dnssec, hosts: Vec<HostFacts>) -> DestinationFacts {
    DestinationFacts::new(NextHop::Domain(name("example.org")), Mx::Hosts { dnssec, hosts })
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) facts: HashMap<NextHop, DestinationFacts>,
    pub(crate) policies: HashMap<NextHop, DestinationPolicy>,
    pub(crate) guarantees: HashMap<String, Guarantee>,
    pub(crate) route: Option<AlternateRoute>,
    pub(crate) no_route: bool,
    pub(crate) channels: HashMap<Domain, Channel>,
    pub(crate) permissions: Mutex<Vec<(String, String)>>,
    pub(crate) delay: Duration,
    pub(crate) asked: Arc<AtomicU32>,
}

impl Outside for World {
    fn now(&self) -> Time {
        Time::from_unix(1_795_780_800)
    }

    async fn facts(&self, hop: &Hop) -> Result<Known> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.delay).await;
        let facts = self.facts.get(&hop.to).ok_or_else(|| Error::outside("DNS", "SERVFAIL"))?;
        Ok(Known { facts: Arc::new(facts.clone()), fresh_for: Duration::from_mins(1) })
    }

    async fn policy(&self, to: &NextHop) -> Result<DestinationPolicy> {
        Ok(self.policies.get(to).cloned().unwrap_or_default())
    }

    async fn guarantee(&self, sender: &Address) -> Result<Guarantee> {
        if sender.local() == "broken" {
            return Err(Error::outside("settings", "they can't be read"));
        }
        Ok(self.guarantees.get(&sender.to_string()).copied().unwrap_or_default())
    }

    async fn route(&self) -> Result<Option<AlternateRoute>> {
        if self.no_route {
            return Err(Error::outside("the alternate route", "no answer"));
        }
        Ok(self.route.clone())
    }

    async fn sessions(&self, plan: &Plan<'_>) -> Result<Arc<[Session]>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.delay).await;
        let session = |host: Option<Domain>| {
            let channel = self.channels.get(host.as_ref()?)?.clone();
            Some(Session { host, facts: SessionFacts::new(channel).at("192.0.2.1".parse().unwrap()) })
        };
        Ok(plan.hosts().filter_map(|host| session(host.name().cloned())).collect())
    }

    async fn redeem(&self, user: &str, recipient: &Address, _instance: &str) -> Result<bool> {
        let mut permissions = self.permissions.lock().unwrap();
        let found = permissions.iter().position(|(of, to)| of == user && *to == recipient.to_string());
        Ok(found.map(|found| permissions.remove(found)).is_some())
    }
}
