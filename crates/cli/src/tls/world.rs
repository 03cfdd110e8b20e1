//! The network: DNS, policies of MTA-STS, and a look at hosts.

use std::{
    io::Read,
    net::IpAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use sealpost::{
    mail::Domain,
    tls_policy::{
        HostPlan, Requirements, Time,
        facts::{Addresses, Channel, DestinationFacts, Mx, NextHop, RecordedSession, SessionFacts, StsState},
        fetch::Fetcher,
        plan,
        probe::Client,
        resolver::{Known, Resolver, Settings, Txt},
        sts::{self, FetchFailure, FetchProblem, RecordId, Step, TxtAnswer},
        tls::Conditions,
        tlsrpt,
    },
};
use tokio::{task::JoinSet, time::timeout};

use super::{args, facts::Gathered};
use crate::{
    failure::{At, Failure, Result},
    files::{Access, Place, read_small, write_to},
    output::Output,
    time::now,
};

/// A file of kept policies is no larger: what is kept in memory at most, as JSON, must be read again at the next start.
const KEPT: u64 = 1 << 30;
/// For a policy of MTA-STS. Less than an answer to Postfix may take: else no mail would ever go to where HTTPS hangs.
const FETCH: Duration = Duration::from_secs(10);
/// So many hosts are looked at, the most preferred ones: all that the resolver gives.
const HOSTS: usize = 20;
/// While Postfix waits: for a connection to an address, a reply, and all of a host's addresses together.
const HURRY: [Duration; 3] = [Duration::from_secs(3), Duration::from_secs(5), Duration::from_secs(8)];

/// What is asked, and what is remembered of it. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct World {
    resolver: Arc<RwLock<Resolver>>,
    /// How to find out again whether DNSSEC works; `None` if that is not to be found out.
    dns: Option<Settings>,
    fetcher: Fetcher,
    client: Client,
    roots: Arc<RootCertStore>,
    /// How long a look at a host may take.
    longest: Duration,
    kept: Arc<Mutex<sts::Cache>>,
}

impl World {
    pub(super) async fn open(network: &args::Network, output: Output) -> Result<Self> {
        let roots = roots(network.roots.as_deref())?;
        let mut client = Client::new(network.helo.clone());
        client.patience.step = Duration::from_secs(network.patience);
        client.patience.connect = Duration::from_secs(network.patience);
        client.patience.total = Duration::from_secs(network.patience.saturating_mul(3));
        let (resolver, dns) = resolver(network, output).await?;
        Ok(Self {
            resolver: Arc::new(RwLock::new(resolver)),
            dns,
            fetcher: Fetcher::new(roots.clone()).at("HTTPS")?,
            longest: client.patience.total,
            client,
            roots: Arc::new(roots),
            kept: Arc::new(Mutex::new(sts::Cache::new(sts::CacheLimits::default()))),
        })
    }

    /// The same for somebody who does not wait for long: a host that is down must not hide those behind it.
    pub(super) fn in_a_hurry(mut self) -> Self {
        let patience = &mut self.client.patience;
        let [connect, step, total] = HURRY;
        patience.connect = patience.connect.min(connect);
        patience.step = patience.step.min(step);
        patience.total = patience.total.min(total);
        self.longest = self.longest.min(total);
        self
    }

    fn resolver(&self) -> Resolver {
        self.resolver.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks again whether DNSSEC works, if it did not: one answer that was lost, or that somebody kept back, must not
    /// switch DANE off for as long as a server runs.
    pub(super) async fn check_again(&self, output: Output) {
        let Some(settings) = self.dns.as_ref().filter(|_| !self.resolver().validates()) else { return };
        if let Ok((resolver, found)) = Resolver::checked(settings, &Known::default()).await
            && !found.refuses_dane()
        {
            *self.resolver.write().unwrap_or_else(PoisonError::into_inner) = resolver;
            output.log(&format!("DNS was looked at again: {found}"));
        }
    }

    /// Takes up what [`Self::keep`] wrote. Lines that can't be read are told.
    pub(super) fn restore(&self, path: Option<&Path>, output: Output) -> Result {
        let Some(path) = path.filter(|path| path.exists()) else { return Ok(()) };
        let mut text = String::new();
        Place::from(Some(path.to_owned())).mail(KEPT)?.read_to_string(&mut text).at(path)?;
        let (cache, errors) = sts::Cache::read(&text, sts::CacheLimits::default(), now());
        errors.iter().for_each(|error| output.line(&format!("{}: {error}", path.display())));
        *self.kept() = cache;
        Ok(())
    }

    /// Writes the policies of MTA-STS that are kept, so that nobody gets rid of one by a new start.
    pub(super) fn keep(&self, path: Option<&Path>) -> Result {
        let Some(path) = path else { return Ok(()) };
        let lines: Vec<String> = self.kept().lines().collect();
        let to = Place::from(Some(path.to_owned()));
        write_to(&to, Access::Private, |writer| {
            lines.iter().try_for_each(|line| writeln!(writer, "{line}")).at(to.output_name())
        })
    }

    /// All that is to be known about mail to somewhere.
    pub(super) async fn gather(&self, next_hop: NextHop, now: Time) -> Gathered {
        let destination = self.destination(next_hop, now).await;
        let tlsrpt = match &destination.next_hop {
            NextHop::Domain(domain) => Some(self.tlsrpt(domain).await),
            _ => None,
        };
        let sessions = self.look(&destination, plan(&Requirements::NONE, &destination).hosts(), now).await;
        Gathered { destination, sessions, tlsrpt }
    }

    /// What DNS and MTA-STS say.
    pub(super) async fn destination(&self, next_hop: NextHop, now: Time) -> DestinationFacts {
        let facts = self.resolver().destination(&next_hop).await;
        let sts = match &next_hop {
            // No mail is sent there now.
            _ if matches!(&facts.mx, Mx::Failed) => StsState::Absent,
            // Also where there is no host: whoever forges that must not get rid of a policy that is kept.
            NextHop::Domain(domain) | NextHop::Host { name: domain, .. } => self.sts(domain, now).await,
            _ => StsState::Absent,
        };
        facts.with_sts(sts)
    }

    async fn sts(&self, domain: &Domain, now: Time) -> StsState {
        let answer = match self.resolver().txt(&format!("_mta-sts.{domain}")).await {
            Txt::Found(records) => TxtAnswer::found(&records),
            Txt::Failed => TxtAnswer::Failed,
        };
        let known = self.kept().get(domain).cloned().unwrap_or_default();
        match known.look(&answer, now) {
            Step::Use(settled) => settled.state,
            // Mail need not wait for that.
            Step::Fetch { refresh: true, meanwhile, .. } => meanwhile.state,
            Step::Fetch { id, .. } => self.fetch(domain, &id, now).await,
        }
    }

    /// Fetches a policy, and says what is in force then.
    async fn fetch(&self, domain: &Domain, id: &RecordId, now: Time) -> StsState {
        let addresses = match format!("mta-sts.{domain}").parse::<Domain>() {
            Ok(host) => self.addresses(host).await,
            Err(_) => Vec::new(),
        };
        let fetched = timeout(FETCH, self.fetcher.policy(domain, Some(&addresses))).await;
        let late = || Err(FetchFailure::new(FetchProblem::Fetch, "it took too long".to_owned()));
        let mut kept = self.kept();
        // As it is by now: a fetch that fails late takes nothing from one that went well meanwhile.
        let mut known = kept.get(domain).cloned().unwrap_or_default();
        let settled = known.fetched(id, fetched.unwrap_or_else(|_| late()), now);
        drop(kept.put(domain.clone(), known, now));
        settled.state
    }

    /// Fetches again what is kept for a day and more, whether there is mail or not (RFC 8461 §10.2).
    pub(super) async fn refresh(&self) {
        let due: Vec<Domain> = self.kept().due(now()).cloned().collect();
        for domain in due {
            let known = self.kept().get(&domain).cloned().unwrap_or_default();
            if let Some(id) = known.refresh(now()) {
                self.fetch(&domain, &id, now()).await;
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, sts::Cache> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn addresses(&self, name: Domain) -> Vec<IpAddr> {
        let facts = self.resolver().destination(&NextHop::Host { name, port: 443 }).await;
        let Mx::Hosts { hosts, .. } = facts.mx else { return Vec::new() };
        let found = hosts.into_iter().filter_map(|host| match host.addresses {
            Addresses::Found(addresses) => Some(addresses),
            _ => None,
        });
        found.flatten().collect()
    }

    async fn tlsrpt(&self, domain: &Domain) -> String {
        match self.resolver().txt(&format!("_smtp._tls.{domain}")).await {
            Txt::Found(records) => match tlsrpt::Record::of(&records) {
                Ok(Some(record)) => record.to_string(),
                Ok(None) => "no record".to_owned(),
                Err(error) => error.to_string(),
            },
            Txt::Failed => "the look-up failed".to_owned(),
        }
    }

    /// A look at each of these hosts, at all of them at once.
    pub(super) async fn look<'a>(
        &self,
        facts: &DestinationFacts,
        hosts: impl Iterator<Item = HostPlan<'a>> + Send,
        now: Time,
    ) -> Vec<RecordedSession> {
        let mut looks = JoinSet::new();
        for (place, host) in hosts.take(HOSTS).enumerate() {
            let Some((name, addresses)) = place_of(&host) else { continue };
            let (world, port, conditions) = (self.clone(), host.port(), self.conditions(facts, &host, now));
            looks.spawn(async move {
                (place, RecordedSession::new(name, world.one_look(&addresses, port, &conditions).await))
            });
        }
        let mut sessions = looks.join_all().await;
        sessions.sort_by_key(|(place, _)| *place);
        sessions.into_iter().map(|(_, session)| session).collect()
    }

    /// A look at one host; `None` if there is no address to connect to.
    pub(super) async fn look_at(
        &self,
        facts: &DestinationFacts,
        host: &HostPlan<'_>,
        now: Time,
    ) -> Option<SessionFacts> {
        let (_, addresses) = place_of(host)?;
        let conditions = self.conditions(facts, host, now);
        Some(self.one_look(&addresses, host.port(), &conditions).await)
    }

    async fn one_look(&self, addresses: &[IpAddr], port: u16, conditions: &Conditions) -> SessionFacts {
        let look = async { self.client.connect_any(addresses, port, conditions).await.quit().await };
        let late = |_| SessionFacts::new(Channel::Unreachable { reason: "no answer in time".to_owned() });
        timeout(self.longest, look).await.unwrap_or_else(late)
    }

    fn conditions(&self, facts: &DestinationFacts, host: &HostPlan<'_>, now: Time) -> Conditions {
        match host.host() {
            Some(host) => Conditions::of(facts, host, now).with_roots(Arc::clone(&self.roots)),
            None => Conditions::to_address(now),
        }
    }
}

/// A host's name, and where it is.
fn place_of(host: &HostPlan<'_>) -> Option<(String, Vec<IpAddr>)> {
    match host.host() {
        Some(facts) => match &facts.addresses {
            Addresses::Found(addresses) if !addresses.is_empty() => Some((facts.name.to_string(), addresses.clone())),
            _ => None,
        },
        None => host.address().map(|address| (address.to_string(), vec![address])),
    }
}

/// What answers, and how to find out again whether DNSSEC works.
async fn resolver(network: &args::Network, output: Output) -> Result<(Resolver, Option<Settings>)> {
    let settings = match network.nameservers.as_slice() {
        [] => Settings::system(),
        servers => Settings::new(servers),
    };
    let settings = settings.at("DNS")?;
    if let Some(path) = &network.anchors {
        // Of another root nobody knows which names are signed.
        let text = String::from_utf8_lossy(&read_small(path)?).into_owned();
        return Ok((Resolver::new(&settings.with_trust_anchors(&text).at(path)?).at("DNS")?, None));
    }
    let (resolver, found) = Resolver::checked(&settings, &Known::default()).await.at("DNS")?;
    if found.refuses_dane() {
        output.log("sealpost: the name servers spoil DNSSEC: no answer counts as secured, and there is no DANE");
    }
    Ok((resolver, Some(settings)))
}

/// Certificates that are trusted: those in a file, or the system's.
fn roots(path: Option<&Path>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let Some(path) = path else {
        // What the system has and can't be read is missing, and what it would vouch for is not trusted.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    for certificate in CertificateDer::pem_slice_iter(&read_small(path)?) {
        let certificate = certificate.map_err(|error| Failure::new(format!("{}: {error:?}", path.display())))?;
        roots.add(certificate).at(path)?;
    }
    if roots.is_empty() {
        return Err(Failure::new(format!("{}: there is no certificate in it", path.display())));
    }
    Ok(roots)
}
