//! The maps that Postfix asks, by their names.
//!
//! | name | key | value |
//! |---|---|---|
//! | `everyone`, `guarantee`, `guarantee-strict` | next hop | the policy for mail without a guarantee, with one, with a strict one |
//! | `everyone-tlsrpt`, … | next hop | the same with attributes for reports about TLS |
//! | `transport` | sender | how mail of users with a guarantee leaves |
//! | `alternate`, `alternate-strict` | recipient | how a mail with a guarantee goes that can't go directly |

use std::{sync::Arc, time::Duration};

use sealpost_mail::{Address, Domain, Host};
use sealpost_tls_policy::{
    engine::{Attempt, HostPlan, Plan, decide, plan, requirements},
    facts::{Mx, NextHop},
    message::{Guarantee, Message},
    requirement::Requirements,
    route::AlternateRoute,
    verdict::{Status, Verdict},
};
use tokio::time::timeout;

use crate::{
    Error, Result, level,
    next_hop::{self, Hop, SMTP},
    outside::Outside,
    server::{Dialogue, Event, Journal},
    socketmap::{self, Reply, Request},
};

/// The names of maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Map {
    Policy { guarantee: Guarantee, report: bool },
    Transport,
    Alternate(Guarantee),
}

impl Map {
    fn named(name: &str) -> Result<Self> {
        let (class, report) = match name.strip_suffix("-tlsrpt") {
            Some(class) => (class, true),
            None => (name, false),
        };
        let guarantee = match (class, report) {
            ("everyone", _) => Guarantee::Off,
            ("guarantee", _) => Guarantee::On,
            ("guarantee-strict", _) => Guarantee::Strict,
            ("transport", false) => return Ok(Self::Transport),
            ("alternate", false) => return Ok(Self::Alternate(Guarantee::On)),
            ("alternate-strict", false) => return Ok(Self::Alternate(Guarantee::Strict)),
            _ => return Err(Error::NoSuchMap),
        };
        Ok(Self::Policy { guarantee, report })
    }
}

/// How mail with a guarantee leaves the Postfix that took it: as transport(5) writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "each has its default")]
pub struct Transports {
    /// With a guarantee: `guarantee:[127.0.0.1]:10027`.
    pub guarantee: String,
    /// With a strict one; `None` if nobody has one. If somebody has one then, the mail waits.
    pub strict: Option<String>,
}

impl Default for Transports {
    fn default() -> Self {
        Self { guarantee: "guarantee:[127.0.0.1]:10027".into(), strict: None }
    }
}

/// The maps.
#[derive(Debug)]
pub struct Maps<O> {
    outside: O,
    transports: Transports,
    extension: Option<char>,
    probe: Duration,
}

impl<O: Outside> Maps<O> {
    /// Maps that ask `outside`.
    #[must_use]
    pub fn new(outside: O) -> Self {
        Self { outside, transports: Transports::default(), extension: Some('+'), probe: Duration::from_secs(15) }
    }

    /// The same with other transports.
    #[must_use]
    pub fn with_transports(self, transports: Transports) -> Self {
        Self { transports, ..self }
    }

    /// The same with another character in front of an address's extension (postconf(5), `recipient_delimiter`), `+` if
    /// not told otherwise: whoever sends as `alice+shop@example.org` is alice.
    #[must_use]
    pub fn with_extension(self, delimiter: Option<char>) -> Self {
        Self { extension: delimiter, ..self }
    }

    /// The same with another limit for looks at other people's servers, 15 s if not told otherwise. Meanwhile,
    /// Postfix's queue manager waits.
    #[must_use]
    pub fn with_probe_limit(self, limit: Duration) -> Self {
        Self { probe: limit, ..self }
    }

    /// Whoever is asked.
    #[must_use]
    pub const fn outside(&self) -> &O {
        &self.outside
    }

    /// Looks `key` up in the map of this name.
    ///
    /// # Errors
    ///
    /// Any, if there is a doubt: then the mail has to wait.
    pub async fn look_up(&self, map: &str, key: &str) -> Result<Reply> {
        match Map::named(map)? {
            Map::Policy { guarantee, report } => self.policy(guarantee, report, key).await,
            Map::Transport => self.transport(key).await,
            Map::Alternate(guarantee) => self.alternate(guarantee, key).await,
        }
    }

    async fn policy(&self, guarantee: Guarantee, report: bool, key: &str) -> Result<Reply> {
        let hop = next_hop::parse(key)?;
        let wants = self.wants(guarantee, &hop.to).await?;
        let known = self.outside.facts(&hop).await?;
        let policy = level::policy(&wants, &known.facts)?;
        let policy = if report { policy } else { policy.without_report() };
        Ok(Reply::Found(policy.to_string()))
    }

    /// What a submitted mail to a next hop asks for.
    async fn wants(&self, guarantee: Guarantee, to: &NextHop) -> Result<Requirements> {
        let policy = self.outside.policy(to).await?;
        Ok(requirements(&Message::default(), guarantee, &policy, self.outside.now()))
    }

    async fn transport(&self, sender: &str) -> Result<Reply> {
        let mut guarantee = Guarantee::Off;
        // The strictest one of all that the address may stand for.
        for address in self.readings(sender) {
            guarantee = guarantee.max(self.outside.guarantee(&address).await?);
        }
        let Transports { guarantee: on, strict } = &self.transports;
        match guarantee {
            Guarantee::Off => Ok(Reply::NotFound),
            Guarantee::On => Ok(Reply::Found(on.clone())),
            _ => strict.clone().map(Reply::Found).ok_or_else(|| {
                Error::outside("settings", "somebody has a strict guarantee, and there is no transport for it")
            }),
        }
    }

    /// The addresses that a sender may stand for: as it is, in lower case, and both without their extension. None for
    /// the null sender, of bounces and answers.
    fn readings(&self, sender: &str) -> Vec<Address> {
        let Some((local, host)) = parts(sender) else { return Vec::new() };
        // With a long extension it is longer than an address may be, and its user's still.
        let cut = self.extension.and_then(|delimiter| local.split_once(delimiter)).map(|(user, _)| user);
        let mut readings = Vec::new();
        for local in [Some(local.as_str()), cut.filter(|user| !user.is_empty())].into_iter().flatten() {
            let both = [local, &local.to_lowercase()].map(|local| Address::new(local, host.clone()).ok());
            readings.extend(both.into_iter().flatten());
        }
        readings.sort_unstable();
        readings.dedup();
        readings
    }

    async fn alternate(&self, guarantee: Guarantee, recipient: &str) -> Result<Reply> {
        // At last, Postfix looks for a transport of all that have none of their own (transport(5)).
        if recipient == "*" {
            return Ok(Reply::NotFound);
        }
        let address = address(recipient).ok_or(Error::Address("it has no name and domain"))?;
        let to = match address.host() {
            Host::Domain(domain) => NextHop::Domain(domain.clone()),
            Host::Literal(literal) => NextHop::Address(*literal),
        };
        let wants = self.wants(guarantee, &to).await?;
        let known = self.outside.facts(&Hop { to, port: SMTP }).await?;
        let plan = plan(&wants, &known.facts);
        let sessions =
            timeout(self.probe, self.sessions(&plan)).await.map_err(|_| Error::Late("a look at a server"))??;
        let session = |name: Option<&Domain>| sessions.iter().find(|session| session.host.as_ref() == name);
        let decided = |route: Option<&AlternateRoute>| {
            let of_host = |host: &HostPlan<'_>| session(host.name()).map(|session| &session.facts);
            decide(&plan, of_host, route, Attempt::default())
        };
        let direct = decided(None);
        let somewhere =
            matches!(known.facts.mx, Mx::Hosts { .. }) || matches!(known.facts.next_hop, NextHop::Address(_));
        // Only where it may be taken: when it is down, mail that needs it waits, and no other mail.
        if matches!(direct, Verdict::Deliver { .. }) || !somewhere {
            return routed(&direct);
        }
        let late = Error::Late("a look at the alternate route");
        match timeout(self.probe, self.outside.route()).await.unwrap_or(Err(late)) {
            Ok(route) => routed(&decided(route.as_ref())),
            Err(_) if matches!(direct, Verdict::Defer { .. }) => routed(&direct),
            Err(error) => Err(error),
        }
    }

    async fn sessions(&self, plan: &Plan<'_>) -> Result<Arc<[crate::outside::Session]>> {
        self.outside.sessions(plan).await
    }
}

/// What a verdict is in the words of transport(5).
fn routed(verdict: &Verdict) -> Result<Reply> {
    match verdict {
        // Postfix finds the way by itself, and holds to the policy for it.
        Verdict::Deliver { .. } => Ok(Reply::NotFound),
        Verdict::Reroute { route, .. } => Ok(Reply::Found(format!("smtp:[{}]:{}", route.host, route.port))),
        Verdict::Bounce { status, .. } => Ok(Reply::Found(stop("error", status))),
        // The mail waits, and whoever looks at the queue sees why.
        Verdict::Defer { status, .. } => Ok(Reply::Found(stop("retry", status))),
        _ => Err(Error::outside("the verdict", "not all hosts were looked at")),
    }
}

/// A next hop of error(8) or retry(8): the code and the text.
fn stop(transport: &str, status: &Status) -> String {
    let [class, subject, detail] = status.code;
    format!("{transport}:{class}.{subject}.{detail} {}", status.text)
}

/// What is in front of the `@`, without quotes, and what is behind it, whether the one is too long or not.
fn parts(text: &str) -> Option<(String, Host)> {
    if let Some(address) = address(text) {
        return Some((address.local().to_owned(), address.host().clone()));
    }
    let (local, host) = text.rsplit_once('@').filter(|(local, _)| !local.is_empty())?;
    let host = host.parse().ok().or_else(|| host.parse().ok().map(Host::Domain))?;
    let quoted = local.strip_prefix('"').and_then(|local| local.strip_suffix('"'));
    Some((quoted.map_or_else(|| local.to_owned(), |quoted| quoted.replace('\\', "")), host))
}

/// The address, as Postfix writes it: also without quotes that RFC 5321 wants.
pub(crate) fn address(text: &str) -> Option<Address> {
    let unquoted = || {
        let (local, domain) = text.rsplit_once('@').filter(|(local, _)| !local.is_empty())?;
        Address::new(local, Host::Domain(domain.parse().ok()?)).ok()
    };
    text.parse().ok().or_else(unquoted)
}

/// The maps as what is spoken over a connection.
pub struct Socketmaps<O> {
    maps: Maps<O>,
    journal: Arc<dyn Journal>,
}

impl<O: Outside> Socketmaps<O> {
    /// `maps`, whose doubts `journal` is told.
    #[must_use]
    pub fn new(maps: Maps<O>, journal: Arc<dyn Journal>) -> Self {
        Self { maps, journal }
    }
}

impl<O> std::fmt::Debug for Socketmaps<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socketmaps").finish_non_exhaustive()
    }
}

impl<O: Outside> Dialogue for Socketmaps<O> {
    /// What the netstring holds.
    type Request = Vec<u8>;

    fn decode(&self, input: &[u8]) -> Result<Option<(Vec<u8>, usize)>> {
        let found = crate::netstring::decode(input, socketmap::MAX_REQUEST)?;
        Ok(found.map(|(payload, taken)| (payload.to_vec(), taken)))
    }

    async fn answer(&self, request: Vec<u8>) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let reply = match Request::parse(&request) {
            Ok(Request { map, key }) => self.maps.look_up(map, key).await.unwrap_or_else(|error| {
                self.journal.note(&Event::Doubt { map, key, error: &error });
                Reply::doubt(&error)
            }),
            Err(error) => Reply::doubt(&error),
        };
        reply.encode(&mut out);
        Some(out)
    }

    fn parting(&self, error: &Error) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        Reply::doubt(error).encode(&mut out);
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use sealpost_tls_policy::{
        facts::{CertificateCheck, CertificateFacts, Channel, DestinationFacts, Dnssec, TlsVersion, Tlsa},
        message::{DestinationPolicy, Level, Rule},
        requirement::Atom,
    };

    use super::*;
    use crate::testing::{World, destination, host, name};

    fn world() -> World {
        let mut world = World::default();
        let two = ["mx0.example.org", "mx1.example.org"].map(|mx| host(mx, 10, Tlsa::Absent));
        let facts = destination(Dnssec::Insecure, two.to_vec());
        world.facts.insert(facts.next_hop.clone(), facts);
        world
    }

    async fn ask(maps: &Maps<World>, map: &str, key: &str) -> String {
        match maps.look_up(map, key).await {
            Ok(Reply::Found(value)) => value,
            Ok(other) => format!("{other:?}"),
            Err(error) => format!("doubt: {error}"),
        }
    }

    #[tokio::test]
    async fn a_policy_is_never_not_found() {
        let maps = Maps::new(world());
        for (map, key, wanted) in [
            ("everyone", "example.org", "dane"),
            ("everyone-tlsrpt", "EXAMPLE.org", "dane"),
            ("guarantee", "example.org", "encrypt protocols=>=TLSv1.2"),
            ("guarantee-strict", "example.org", "doubt: the verdict: no host may be delivered to"),
            ("everyone", "example.net", "doubt: DNS: SERVFAIL"),
            ("everyone", ".example.org", "doubt: no next hop: it is no name of a domain"),
            ("nobody", "example.org", "doubt: there is no map of this name"),
            ("transport-tlsrpt", "example.org", "doubt: there is no map of this name"),
        ] {
            assert_eq!(ask(&maps, map, key).await, wanted, "{map} {key}");
        }
    }

    #[tokio::test]
    async fn rules_hold_for_hosts_and_addresses_too() {
        let mut world = world();
        let rule = |rule| DestinationPolicy { rule: Some(rule), ..DestinationPolicy::default() };
        for (to, mx) in [("[mx0.example.org]:587", true), ("[192.0.2.1]", false)] {
            let to = next_hop::parse(to).unwrap().to;
            let hosts = mx.then(|| host("mx0.example.org", 0, Tlsa::Absent)).into_iter().collect();
            let facts = DestinationFacts::new(to.clone(), Mx::Hosts { dnssec: Dnssec::Insecure, hosts });
            world.facts.insert(to.clone(), facts);
            world.policies.insert(to, rule(Rule::Floor(Level::Encrypted)));
        }
        let maps = Maps::new(world);
        for key in ["[mx0.example.org]:587", "[192.0.2.1]"] {
            assert_eq!(ask(&maps, "everyone", key).await, "encrypt protocols=>=TLSv1.2", "{key}");
        }
    }

    #[tokio::test]
    async fn only_mail_of_users_with_a_guarantee_takes_its_transport() {
        let mut world = world();
        world.guarantees.insert("alice@example.com".into(), Guarantee::On);
        world.guarantees.insert("carol@example.com".into(), Guarantee::Strict);
        let maps = Maps::new(world);
        let on = "guarantee:[127.0.0.1]:10027";
        for (sender, wanted) in [
            ("alice@example.com", on),
            ("Alice@Example.COM", on),
            ("alice+shop@example.com", on),
            ("ALICE+shop@example.com", on),
            ("\"alice\"@example.com", on),
            ("bob@example.com", "NotFound"),
            ("alice@example.net", "NotFound"),
            ("<>", "NotFound"),
            ("alice", "NotFound"),
            ("some one@example.com", "NotFound"),
            ("+@example.com", "NotFound"),
            (&format!("alice+{}@example.com", "x".repeat(80)), on),
            (&format!("\"alice+{}\"@EXAMPLE.com", "x y".repeat(80)), on),
            (&format!("bob+{}@example.com", "x".repeat(80)), "NotFound"),
        ] {
            assert_eq!(ask(&maps, "transport", sender).await, wanted, "{sender}");
        }
        assert!(ask(&maps, "transport", "broken@example.com").await.starts_with("doubt"));
        assert!(ask(&maps, "transport", "carol@example.com").await.starts_with("doubt"));
        let maps = maps.with_transports(Transports { strict: Some("strict:[::1]:1".into()), ..Transports::default() });
        assert_eq!(ask(&maps, "transport", "carol@example.com").await, "strict:[::1]:1");
    }

    fn refusing(reason: &Channel) -> World {
        let mut world = world();
        world.route =
            Some(AlternateRoute::new(name("relay.example"), 2525).with_proved(Atom::ALL.into_iter().collect()));
        for mx in ["mx0.example.org", "mx1.example.org"] {
            world.channels.insert(name(mx), reason.clone());
        }
        world
    }

    #[tokio::test]
    async fn what_can_not_go_directly_takes_the_alternate_route() {
        let maps = Maps::new(refusing(&Channel::NotOffered));
        assert_eq!(ask(&maps, "alternate", "bob@example.org").await, "smtp:[relay.example]:2525");
        assert_eq!(ask(&maps, "alternate", "*").await, "NotFound");
        // Nothing is known about the domain, or there is none.
        assert!(ask(&maps, "alternate", "bob@example.net").await.starts_with("doubt"));
        assert!(ask(&maps, "alternate", "bob").await.starts_with("doubt"));
    }

    #[tokio::test]
    async fn without_a_route_the_mail_comes_back() {
        let world = World { route: None, ..refusing(&Channel::TooOld) };
        assert!(ask(&Maps::new(world), "alternate", "bob@example.org").await.starts_with("error:5.7."));
        let mut direct = World { route: None, ..refusing(&Channel::NotOffered) };
        let certificate = CertificateFacts::new(CertificateCheck::NotMade, CertificateCheck::NotMade);
        direct.channels.insert(name("mx1.example.org"), Channel::Tls { version: TlsVersion::Tls12, certificate });
        assert_eq!(ask(&Maps::new(direct), "alternate", "bob@example.org").await, "NotFound");
    }

    #[tokio::test]
    async fn a_route_that_is_down_makes_wait_what_needs_it_and_nothing_else() {
        let mut world = World { no_route: true, ..refusing(&Channel::NotOffered) };
        let null = DestinationFacts::new(NextHop::Domain(name("null.example")), Mx::Null);
        world.facts.insert(null.next_hop.clone(), null);
        let mut maps = Maps::new(world);
        assert!(ask(&maps, "alternate", "bob@example.org").await.starts_with("doubt: the alternate route"));
        assert!(ask(&maps, "alternate", "bob@null.example").await.starts_with("error:5.1.10 "));
        let certificate = CertificateFacts::new(CertificateCheck::NotMade, CertificateCheck::NotMade);
        let tls = Channel::Tls { version: TlsVersion::Tls12, certificate };
        maps.outside.channels.insert(name("mx0.example.org"), Channel::HandshakeFailed { reason: "reset".into() });
        assert!(ask(&maps, "alternate", "bob@example.org").await.starts_with("retry:4."));
        maps.outside.channels.insert(name("mx1.example.org"), tls);
        assert_eq!(ask(&maps, "alternate", "bob@example.org").await, "NotFound");
    }

    #[tokio::test]
    async fn a_doubt_makes_the_mail_wait() {
        let unreachable = Channel::Unreachable { reason: "time-out".into() };
        let mut world = refusing(&Channel::NotOffered);
        world.channels.insert(name("mx0.example.org"), unreachable);
        let waits = ask(&Maps::new(world), "alternate", "bob@example.org").await;
        assert!(waits.starts_with("retry:4."), "{waits}");
        // One host was not looked at.
        let mut world = refusing(&Channel::NotOffered);
        world.channels.remove(&name("mx1.example.org"));
        assert!(ask(&Maps::new(world), "alternate", "bob@example.org").await.starts_with("doubt"));
    }

    #[tokio::test]
    async fn what_comes_back_says_why() {
        let mut world = refusing(&Channel::NotOffered);
        // A route that nothing is known about is none.
        world.route = Some(AlternateRoute::new(name("relay.example"), 2525));
        let stopped = ask(&Maps::new(world), "alternate", "bob@example.org").await;
        let wanted = "error:5.7.10 TLS is required, but was not offered by host mx";
        assert!(stopped.starts_with(wanted) && stopped.ends_with("[192.0.2.1]"), "{stopped}");
        let mut world = refusing(&Channel::NotOffered);
        world.facts.values_mut().for_each(|facts| facts.mx = Mx::Null);
        let stopped = ask(&Maps::new(world), "alternate", "bob@example.org").await;
        assert!(stopped.starts_with("error:5.1.10 "), "{stopped}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_look_at_a_server_ends() {
        let maps = Maps::new(World { delay: Duration::from_secs(10), ..refusing(&Channel::NotOffered) });
        let maps = maps.with_probe_limit(Duration::from_secs(5));
        assert_eq!(ask(&maps, "alternate", "bob@example.org").await, "doubt: a look at a server took too long");
    }
}
