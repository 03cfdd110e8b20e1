//! What is known of many domains, within bounds, and its form in a file.

use std::{cmp::Reverse, collections::BTreeMap};

use sealpost_mail::Domain;
use sealpost_time::Time;
use serde::{Deserialize, Serialize};

use super::{Known, Mode};
use crate::{Error, Result};

/// What is known of many domains.
///
/// Keep it from one run of a server to the next ([`Self::lines`], [`Self::read`]): a policy that is forgotten protects
/// nobody. When it is full, what matters least goes first: what is spent, what asks for nothing, policies in testing,
/// and only then those that are enforced, the one that ends first. Of two alike one that takes far more room than others
/// goes first: with a thousand long policies of his own nobody drives those of others out.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    domains: BTreeMap<Domain, Known>,
    limits: CacheLimits,
    octets: usize,
}

/// How much a [`Cache`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheLimits {
    /// How many domains.
    pub domains: usize,
    /// How many octets, about.
    pub octets: usize,
}

impl Default for CacheLimits {
    /// A million domains, 256 MiB.
    fn default() -> Self {
        Self { domains: 1_000_000, octets: 256 * 1024 * 1024 }
    }
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Line<K> {
    #[serde(with = "crate::text")]
    domain: Domain,
    #[serde(flatten)]
    known: K,
}

impl Cache {
    /// An empty one.
    #[must_use]
    pub const fn new(limits: CacheLimits) -> Self {
        Self { domains: BTreeMap::new(), limits, octets: 0 }
    }

    /// How many domains are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.domains.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    /// What is known of a domain: of most, nothing.
    #[must_use]
    pub fn get(&self, domain: &Domain) -> Option<&Known> {
        self.domains.get(domain)
    }

    /// Keeps what is known of a domain. Gives back which domains had to make room while their policies were in force:
    /// tell the administrator, for they are not protected until the next fetch.
    pub fn put(&mut self, domain: Domain, known: Known, now: Time) -> Vec<Domain> {
        self.remove(&domain);
        if known == Known::default() {
            return Vec::new();
        }
        self.octets = self.octets.saturating_add(weight(&domain, &known));
        self.domains.insert(domain, known);
        if self.is_over() { self.make_room(now) } else { Vec::new() }
    }

    /// Throws out what does not matter any more; once a day will do. Until then it is kept, since a clock may be put
    /// right again.
    pub fn tidy(&mut self, now: Time) {
        let spent = self.domains.iter().filter(|(_, known)| known.is_spent(now)).map(|(domain, _)| domain.clone());
        for domain in spent.collect::<Vec<_>>() {
            self.remove(&domain);
        }
    }

    /// Which kept policies are to be fetched again now ([`Known::refresh`]).
    pub fn due(&self, now: Time) -> impl Iterator<Item = &Domain> {
        self.domains.iter().filter(move |(_, known)| known.refresh(now).is_some()).map(|(domain, _)| domain)
    }

    /// All of it as JSON, one domain in each line.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.domains.iter().filter_map(|(domain, known)| {
            // It has no map with keys that are no texts, so that it can always be written.
            serde_json::to_string(&Line { domain: domain.clone(), known }).ok()
        })
    }

    /// Reads what [`Self::lines`] wrote. A line that can't be read is passed over, since the others are worth keeping:
    /// it is told in an error.
    #[must_use]
    pub fn read(text: &str, limits: CacheLimits, now: Time) -> (Self, Vec<Error>) {
        let (mut cache, mut errors) = (Self::new(limits), Vec::new());
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            match read_line(number, line) {
                Ok(Line { domain, known }) => drop(cache.put(domain, known, now)),
                Err(error) => errors.push(error),
            }
        }
        (cache, errors)
    }

    fn remove(&mut self, domain: &Domain) -> Option<Known> {
        let known = self.domains.remove(domain)?;
        self.octets = self.octets.saturating_sub(weight(domain, &known));
        Some(known)
    }

    const fn is_over_by(&self, domains: usize, octets: usize) -> bool {
        domains > self.limits.domains || octets > self.limits.octets
    }

    fn is_over(&self) -> bool {
        self.is_over_by(self.domains.len(), self.octets)
    }

    /// Throws out more than it must, so that the next ones find room.
    fn make_room(&mut self, now: Time) -> Vec<Domain> {
        let mut order: Vec<_> =
            self.domains.iter().map(|(domain, known)| (worth(domain, known, now), domain.clone())).collect();
        order.sort_unstable();
        let mut lost = Vec::new();
        for ((worth, ..), domain) in order {
            // Of what is enforced no more than it takes not to do this again for each.
            let part = if worth == ENFORCED { 1000 } else { 10 };
            let domains = self.domains.len().saturating_add(self.limits.domains / part);
            if !self.is_over_by(domains, self.octets.saturating_add(self.limits.octets / part)) {
                break;
            }
            if self.remove(&domain).is_some() && worth >= TESTING {
                lost.push(domain);
            }
        }
        lost
    }
}

fn read_line(line: usize, text: &str) -> Result<Line<Known>> {
    serde_json::from_str(text).map_err(|error| Error::StsCache { line, problem: error.to_string() })
}

const SPENT: u8 = 0;
const FAILURE: u8 = 1;
const NOTHING: u8 = 2;
const TESTING: u8 = 3;
const ENFORCED: u8 = 4;

/// Policies have some hosts, seldom more than a dozen: up to so many octets they are all alike.
const HEAVY: usize = 4096;

/// What matters more is greater; of two alike, what is not so heavy, and then what ends later.
fn worth(domain: &Domain, known: &Known, now: Time) -> (u8, Reverse<usize>, Time) {
    let (worth, ends) = worth_until(known, now);
    (worth, Reverse(weight(domain, known) / HEAVY), ends)
}

fn worth_until(known: &Known, now: Time) -> (u8, Time) {
    match known.cached().filter(|cached| cached.is_valid(now)) {
        None if known.is_spent(now) => (SPENT, now),
        None => (FAILURE, now),
        Some(cached) => {
            let worth = match cached.policy.mode {
                Mode::None => NOTHING,
                Mode::Testing => TESTING,
                Mode::Enforce => ENFORCED,
            };
            (worth, cached.expires())
        }
    }
}

/// About how many octets it takes.
fn weight(domain: &Domain, known: &Known) -> usize {
    let mx = known.cached().map_or(0, |cached| cached.policy.mx.iter().map(|name| name.len() + 24).sum());
    domain.as_str().len().saturating_add(mx).saturating_add(size_of::<Known>() + 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sts::{FetchFailure, FetchProblem, Policy, RecordId};

    const NOW: Time = Time::from_unix(1_795_780_800);

    fn domain(number: usize) -> Domain {
        format!("d{number}.example").parse().unwrap()
    }

    fn known(mode: Mode, max_age: u32) -> Known {
        let mut known = Known::default();
        let policy = Policy::new(mode, &["*.example.org"], max_age).unwrap();
        known.fetched(&RecordId::parse("1").unwrap(), Ok(policy), NOW);
        known
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let mut cache = Cache::default();
        cache.put(domain(1), known(Mode::Enforce, 100), NOW);
        let mut failed = known(Mode::Testing, 100);
        let failure = FetchFailure::new(FetchProblem::WebPki, "expired".to_owned());
        failed.fetched(&RecordId::parse("2").unwrap(), Err(failure), NOW);
        cache.put(domain(2), failed, NOW);
        let text = cache.lines().collect::<Vec<_>>().join("\n");
        let (read, errors) = Cache::read(&text, CacheLimits::default(), NOW);
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!((&read.domains, read.octets), (&cache.domains, cache.octets));
        assert!(text.contains(r#"{"domain":"d1.example","cached":{"policy":{"mode":"enforce""#), "{text}");
    }

    #[test]
    fn a_broken_line_is_told_and_the_others_are_kept() {
        let mut cache = Cache::default();
        cache.put(domain(1), known(Mode::Enforce, 100), NOW);
        let good = cache.lines().next().unwrap();
        let text = format!("{{\"domain\":\"a b\"}}\n{good}\n{}\n", good.get(..40).unwrap());
        let (read, errors) = Cache::read(&text, CacheLimits::default(), NOW);
        assert_eq!(read.len(), 1);
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert!(
            errors.len() == 2 && errors[0].starts_with("line 1 ") && errors[1].starts_with("line 3 "),
            "{errors:?}"
        );
    }

    #[test]
    fn what_matters_least_makes_room() {
        let mut cache = Cache::new(CacheLimits { domains: 3, octets: usize::MAX });
        cache.put(domain(1), known(Mode::Enforce, 1000), NOW);
        cache.put(domain(2), known(Mode::Testing, 2000), NOW);
        cache.put(domain(3), known(Mode::None, 3000), NOW);
        assert_eq!(cache.put(domain(4), known(Mode::Enforce, 500), NOW), []);
        assert_eq!(cache.put(domain(5), known(Mode::Enforce, 700), NOW), [domain(2)]);
        assert_eq!(cache.put(domain(6), known(Mode::Enforce, 600), NOW), [domain(4)]);
        assert_eq!(cache.put(domain(6), known(Mode::Enforce, 600), NOW), []);
        assert_eq!(cache.len(), 3);
        let mut small = Cache::new(CacheLimits { domains: 9, octets: 500 });
        for number in 0..9 {
            small.put(domain(number), known(Mode::Enforce, 100), NOW);
            assert!(small.octets <= 500 && !small.is_empty());
        }
    }

    /// Whoever has a zone has as many names as he likes, each with as long a policy and as long a time as there may be.
    #[test]
    fn long_policies_drive_no_others_out() {
        let mut cache = Cache::new(CacheLimits { domains: 1000, octets: 1_000_000 });
        cache.put(domain(0), known(Mode::Enforce, 100_000), NOW);
        let hosts: Vec<String> = (0..5_000).map(|number| format!("{number}.a.b")).collect();
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let policy = Policy::new(Mode::Enforce, &hosts, crate::sts::MAX_AGE).unwrap();
        for number in 1..100 {
            let mut long = Known::default();
            long.fetched(&RecordId::parse("1").unwrap(), Ok(policy.clone()), NOW);
            assert!(!cache.put(domain(number), long, NOW).contains(&domain(0)));
        }
        assert!(cache.get(&domain(0)).is_some() && cache.octets <= 1_000_000);
    }

    #[test]
    fn what_is_spent_is_kept_until_it_is_tidied() {
        let mut cache = Cache::default();
        cache.put(domain(1), Known::default(), NOW);
        assert!(cache.is_empty());
        cache.put(domain(1), known(Mode::Enforce, 100), NOW);
        let text = cache.lines().collect::<Vec<_>>().join("\n");
        // A clock that is wrong for once costs nothing.
        let (mut cache, _) = Cache::read(&text, CacheLimits::default(), NOW + crate::sts::REFRESH);
        cache.tidy(NOW);
        assert_eq!(cache.len(), 1);
        cache.tidy(NOW + crate::sts::REFRESH);
        assert_eq!((cache.len(), cache.octets), (0, 0));
    }

    #[test]
    fn what_is_due_is_found() {
        let mut cache = Cache::default();
        cache.put(domain(1), known(Mode::Enforce, 86_401), NOW);
        cache.put(domain(2), known(Mode::Enforce, 86_400), NOW);
        let later = NOW + crate::sts::REFRESH;
        assert_eq!(cache.due(NOW).count(), 0);
        assert_eq!(cache.due(later).collect::<Vec<_>>(), [&domain(1)]);
        assert_eq!(cache.get(&domain(1)).unwrap().refresh(later), RecordId::parse("1"));
    }
}
