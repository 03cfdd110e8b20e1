//! Keeps what was found out for a while: facts about destinations, and what connections showed.

use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sealpost_mail::Address;
use sealpost_time::Time;
use sealpost_tls_policy::{
    engine::Plan,
    facts::{Addresses, Channel, DestinationFacts, Mx, NextHop, StsState, Tlsa},
    message::{DestinationPolicy, Guarantee},
    requirement::Requirements,
    route::AlternateRoute,
};
use tokio::time::{Instant, timeout};

use crate::{
    Error, Result,
    next_hop::Hop,
    outside::{Known, Outside, Session},
};

/// For how long anything is kept at most. Postfix looks at TLSA records by itself, and afresh.
const LONGEST: Duration = Duration::from_mins(5);

/// For how long a failure is kept: long enough that not everybody who waits fails anew, one after the other.
const FAILURE: Duration = Duration::from_secs(5);

/// For how long it is kept that something took too long: whoever is slow on purpose is not waited for again and again.
const SLOWNESS: Duration = Duration::from_mins(1);

/// How long a search for facts may take.
const SEARCH: Duration = Duration::from_secs(30);

/// How long looks at the hosts of a destination may take. Less than [`Maps`](crate::Maps) waits: it is kept then.
const LOOK: Duration = Duration::from_secs(10);

/// How many destinations are kept at most.
const CAPACITY: usize = 20_000;

/// `outside`, whose facts and sessions are kept in memory for a while, so many of them at most. Of those who ask for
/// the same at the same time one asks, and the others wait.
#[derive(Debug)]
pub struct Cached<O> {
    outside: O,
    facts: Kept<Hop, Known>,
    sessions: Kept<(NextHop, Requirements), Arc<[Session]>>,
}

impl<O: Outside> Cached<O> {
    /// Nothing is kept yet.
    #[must_use]
    pub fn new(outside: O) -> Self {
        Self { outside, facts: Kept::new(CAPACITY), sessions: Kept::new(CAPACITY) }
    }
}

impl<O: Outside> Outside for Cached<O> {
    fn now(&self) -> Time {
        self.outside.now()
    }

    async fn facts(&self, hop: &Hop) -> Result<Known> {
        let ask = async {
            let known = self.outside.facts(hop).await?;
            let fresh_for = if has_failure(&known.facts) { FAILURE } else { known.fresh_for };
            Ok((known, fresh_for))
        };
        self.facts.get(hop, in_time(SEARCH, "a search in DNS", ask)).await
    }

    async fn policy(&self, to: &NextHop) -> Result<DestinationPolicy> {
        self.outside.policy(to).await
    }

    async fn guarantee(&self, sender: &Address) -> Result<Guarantee> {
        self.outside.guarantee(sender).await
    }

    async fn route(&self) -> Result<Option<AlternateRoute>> {
        self.outside.route().await
    }

    async fn sessions(&self, plan: &Plan<'_>) -> Result<Arc<[Session]>> {
        let ask = async {
            let sessions = self.outside.sessions(plan).await?;
            // That there is no TLS may be the work of somebody in between: it is true of this connection. Kept for
            // longer, one that he got hold of would stop everybody's mail to there.
            let secure = |session: &Session| matches!(session.facts.channel, Channel::Tls { .. });
            let fresh_for = if sessions.iter().all(secure) { LONGEST } else { FAILURE };
            Ok((sessions, fresh_for))
        };
        let ask = in_time(LOOK, "a look at a server", ask);
        self.sessions.get(&(plan.facts().next_hop.clone(), *plan.wants()), ask).await
    }

    async fn redeem(&self, user: &str, recipient: &Address, instance: &str) -> Result<bool> {
        self.outside.redeem(user, recipient, instance).await
    }
}

async fn in_time<T>(limit: Duration, what: &'static str, ask: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(limit, ask).await.unwrap_or(Err(Error::Late(what)))
}

/// Whether a look-up failed that may go well in a moment.
fn has_failure(facts: &DestinationFacts) -> bool {
    facts.sts == StsState::Unknown
        || match &facts.mx {
            Mx::Hosts { hosts, .. } => {
                hosts.iter().any(|host| host.tlsa == Tlsa::Failed || host.addresses == Addresses::Failed)
            }
            Mx::Null | Mx::NoSuchDomain => false,
            _ => true,
        }
}

/// Values by their keys, each for a while.
#[derive(Debug)]
struct Kept<K, V> {
    entries: Mutex<HashMap<K, Entry<V>>>,
    capacity: usize,
}

#[derive(Debug)]
struct Entry<V> {
    /// The value, or why there is none; and until when. `None` as long as the first one asks.
    value: Option<Result<V, String>>,
    until: Instant,
    /// Held by the one who asks.
    asking: Arc<tokio::sync::Mutex<()>>,
}

impl<K: Clone + Eq + Hash, V: Clone> Kept<K, V> {
    fn new(capacity: usize) -> Self {
        Self { entries: Mutex::new(HashMap::new()), capacity }
    }

    /// The value, kept or asked for.
    async fn get(&self, key: &K, ask: impl Future<Output = Result<(V, Duration)>>) -> Result<V> {
        let asking = match self.look(key) {
            Ok(value) => return value,
            Err(asking) => asking,
        };
        let _alone = asking.lock().await;
        // Somebody else may have asked meanwhile.
        if let Ok(value) = self.look(key) {
            return value;
        }
        let asked = ask.await;
        let (value, fresh_for) = match &asked {
            Ok((value, fresh_for)) => (Ok(value.clone()), (*fresh_for).min(LONGEST)),
            Err(error @ Error::Late(_)) => (Err(error.to_string()), SLOWNESS),
            Err(error) => (Err(error.to_string()), FAILURE),
        };
        let entry = Entry { value: Some(value), until: Instant::now() + fresh_for, asking: Arc::clone(&asking) };
        self.lock().insert(key.clone(), entry);
        asked.map(|(value, _)| value)
    }

    /// What is kept, or else the lock of whoever asks.
    fn look(&self, key: &K) -> Result<Result<V>, Arc<tokio::sync::Mutex<()>>> {
        let mut entries = self.lock();
        if let Some(entry) = entries.get(key) {
            return match &entry.value {
                Some(value) if Instant::now() < entry.until => {
                    Ok(value.clone().map_err(|problem| Error::Outside { what: "a moment ago", problem }))
                }
                _ => Err(Arc::clone(&entry.asking)),
            };
        }
        if entries.len() >= self.capacity {
            make_room(&mut entries);
        }
        let asking = Arc::default();
        let entry = Entry { value: None, until: Instant::now() + LONGEST, asking: Arc::clone(&asking) };
        entries.insert(key.clone(), entry);
        Err(asking)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Entry<V>>> {
        // Nothing that could panic happens while it is locked.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what is over, or else the quarter that is over first.
fn make_room<K: Eq + Hash, V>(entries: &mut HashMap<K, Entry<V>>) {
    let now = Instant::now();
    let before = entries.len();
    entries.retain(|_, entry| now < entry.until);
    if entries.len() < before {
        return;
    }
    let mut ends: Vec<Instant> = entries.values().map(|entry| entry.until).collect();
    let quarter = ends.len() / 4;
    let (_, end, _) = ends.select_nth_unstable(quarter);
    let end = *end;
    entries.retain(|_, entry| end < entry.until);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use sealpost_tls_policy::{
        engine::plan,
        facts::{CertificateCheck, CertificateFacts, Dnssec, TlsVersion},
    };
    use tokio::time::sleep;

    use super::*;
    use crate::{
        next_hop,
        testing::{World, destination, host, name},
    };

    fn world(tlsa: Tlsa) -> World {
        let facts = destination(Dnssec::Secure, vec![host("mx.example.org", 10, tlsa)]);
        let delay = Duration::from_millis(100);
        World { facts: HashMap::from([(facts.next_hop.clone(), facts)]), delay, ..World::default() }
    }

    async fn asked(world: World, pauses: &[u64], key: &str) -> u32 {
        let count = Arc::clone(&world.asked);
        let (cached, hop) = (Cached::new(world), next_hop::parse(key).unwrap());
        for pause in pauses {
            sleep(Duration::from_secs(*pause)).await;
            let _ = tokio::join!(cached.facts(&hop), cached.facts(&hop), cached.facts(&hop));
        }
        count.load(Ordering::SeqCst)
    }

    #[tokio::test(start_paused = true)]
    async fn facts_are_asked_for_once_in_their_time() {
        assert_eq!(asked(world(Tlsa::Absent), &[0, 59], "example.org").await, 1);
        assert_eq!(asked(world(Tlsa::Absent), &[0, 61], "example.org").await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_kept_for_a_moment_only() {
        assert_eq!(asked(world(Tlsa::Failed), &[0, 4, 4], "example.org").await, 2);
        assert_eq!(asked(world(Tlsa::Absent), &[0, 4, 4], "example.net").await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_given_up_is_asked_for_again() {
        let cached = Cached::new(world(Tlsa::Absent));
        let hop = next_hop::parse("example.org").unwrap();
        let given_up = timeout(Duration::from_millis(10), cached.facts(&hop)).await;
        assert!(given_up.is_err());
        assert!(cached.facts(&hop).await.is_ok());
    }

    async fn looked(channel: Channel, delay: Duration, pauses: &[u64]) -> u32 {
        let mut world = World { delay, ..world(Tlsa::Absent) };
        world.channels.insert(name("mx.example.org"), channel);
        let (count, facts) = (Arc::clone(&world.asked), world.facts.values().next().unwrap().clone());
        let cached = Cached::new(world);
        for pause in pauses {
            sleep(Duration::from_secs(*pause)).await;
            let _ = cached.sessions(&plan(&Requirements::NONE, &facts)).await;
        }
        count.load(Ordering::SeqCst)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_somebody_got_hold_of_stops_no_mail_for_long() {
        let now = Duration::ZERO;
        let handshake = Channel::HandshakeFailed { reason: "reset".into() };
        for channel in [Channel::NotOffered, Channel::TooOld, Channel::Refused { reply: "554 no".into() }, handshake] {
            assert_eq!(looked(channel, now, &[0, 4, 4]).await, 2);
        }
        let certificate = CertificateFacts::new(CertificateCheck::NotMade, CertificateCheck::NotMade);
        let tls = Channel::Tls { version: TlsVersion::Tls12, certificate };
        assert_eq!(looked(tls, now, &[0, 4, 4, 200]).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_slow_is_not_waited_for_by_everybody() {
        assert_eq!(looked(Channel::NotOffered, Duration::from_mins(10), &[0, 20, 20]).await, 1);
        assert_eq!(looked(Channel::NotOffered, Duration::from_mins(10), &[0, 61]).await, 2);
        let slow = World { delay: Duration::from_mins(10), ..world(Tlsa::Absent) };
        assert_eq!(asked(slow, &[0, 20, 20], "example.org").await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_more_than_so_many() {
        let kept = Kept::new(8);
        for key in 0..100_u64 {
            let value = async { Ok((key, Duration::from_secs(100 - key))) };
            assert_eq!(kept.get(&key, value).await.unwrap(), key);
            assert!(kept.lock().len() <= 8);
        }
    }
}
