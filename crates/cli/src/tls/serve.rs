//! `sealpost tls serve`: the answers that Postfix asks for.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use sealpost::{
    mail::Address,
    postfix::{
        self, Cached, Error, Event, Journal, Known, Limits, Listener, Maps, Outside, Session, Socketmaps, Submission,
        Transports,
        delegation::Transport,
        next_hop::{self, Hop, SMTP},
        serve,
    },
    tls_policy::{
        AlternateRoute, DestinationPolicy, Guarantee, Plan, Requirements, Time,
        facts::{Channel, NextHop},
        judge, plan,
        requirement::Atoms,
        settings::{Mailbox, RelayHost, Settings, User},
    },
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::timeout,
};

use super::{args, permissions, settings, world::World};
use crate::{
    failure::{At, Result},
    output::Output,
    time::now,
};

/// For how long facts are kept beside what the resolver keeps for as long as the records say.
const FRESH: Duration = Duration::from_mins(1);
/// For how long it is kept that the alternate route can't be reached.
const FAILURE: Duration = Duration::from_secs(10);
/// How long a look at the alternate route may take.
const LOOK: Duration = Duration::from_secs(10);
/// How often policies that are kept are renewed and written down.
const KEPT_EVERY: Duration = Duration::from_mins(5);
/// How often it is looked whether DNSSEC works by now.
const CHECK_EVERY: Duration = Duration::from_mins(1);
/// So many mails are known by name that used up a permission.
const REDEEMED: usize = 1_000;

pub(super) fn run(args: args::Serve, output: Output) -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().at("the runtime")?;
    runtime.block_on(serving(args, output))
}

async fn serving(args: args::Serve, output: Output) -> Result {
    let mut signals = Signals::new()?;
    let server = Server::open(&args, output).await?;
    let ordinary = args.ordinary_transport.parse().at("--ordinary-transport")?;
    is_transport(&args.guarantee_transport).at("--guarantee-transport")?;
    args.strict_transport.as_deref().map_or(Ok(()), is_transport).at("--strict-transport")?;
    let socketmap = Listener::tcp(args.socketmap).await.at("the socketmap")?;
    output.log(&format!("socketmap on {}", socketmap.address().unwrap_or(args.socketmap)));
    for address in [Some(args.socketmap), args.policy_service].into_iter().flatten() {
        if !address.ip().is_loopback() {
            output.log(&format!("sealpost: whoever reaches {address} may ask: let nobody but Postfix reach it"));
        }
    }
    let service = match args.policy_service {
        Some(address) => Some(Listener::tcp(address).await.at("the policy service")?),
        None => None,
    };
    if let Some(address) = service.as_ref().and_then(Listener::address) {
        output.log(&format!("policy service on {address}"));
    }

    let journal: Arc<dyn Journal> = Arc::new(move |event: &Event<'_>| output.log(&event.to_string()));
    let (stop, stopped) = watch::channel(false);
    let stopped = || {
        let mut stopped = stopped.clone();
        async move { drop(stopped.wait_for(|stopped| *stopped).await) }
    };
    let transports = Transports { guarantee: args.guarantee_transport, strict: args.strict_transport };
    let maps = Maps::new(Cached::new(server.clone())).with_transports(transports);
    let maps = maps.with_extension(Some(args.recipient_delimiter));
    let maps = Arc::new(Socketmaps::new(maps, Arc::clone(&journal)));
    let submission = Arc::new(Submission::new(server.clone(), ordinary, Arc::clone(&journal)));
    let answers = serve(socketmap, maps, Limits::default(), Arc::clone(&journal), stopped());
    let permits = async {
        if let Some(service) = service {
            serve(service, submission, Limits::default(), journal, stopped()).await;
        }
    };
    let told = async {
        tokio::select! {
            () = signals.wait(|| server.reload(output)) => {}
            () = server.keep(args.kept.as_deref(), output) => {}
            () = server.check(output) => {}
        }
        stop.send_replace(true);
    };
    tokio::join!(answers, permits, told);
    server.world.keep(args.kept.as_deref())?;
    output.log("stopped");
    Ok(())
}

/// Whether Postfix can take it for a transport and a next hop. It would take an empty one, say, for another way.
fn is_transport(text: &str) -> postfix::Result<()> {
    let (name, hop) = text.split_once(':').unwrap_or((text, ""));
    name.parse::<Transport>()?;
    next_hop::parse(hop).map(drop)
}

/// What the system asks of a server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).at("SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).at("SIGINT")?,
            hangup: signal(SignalKind::hangup()).at("SIGHUP")?,
        })
    }

    /// Until it is to stop; meanwhile it may be told to read its settings again.
    async fn wait(&mut self, reload: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => reload(),
            }
        }
    }
}

/// The settings, and those that take their place once their time has come.
#[derive(Debug)]
struct Versions {
    now: Arc<Settings>,
    next: Option<Arc<Settings>>,
}

impl Versions {
    fn in_force(&self) -> Arc<Settings> {
        Arc::clone(self.next.as_ref().filter(|next| next.effective_from <= now()).unwrap_or(&self.now))
    }
}

/// Settings whose users are there in lower case, too: so Postfix's senders are looked for.
fn read(path: &Path) -> Result<Arc<Settings>> {
    let mut settings = settings::read(Some(path))?;
    let lower = |(mailbox, user): (&Mailbox, &User)| {
        let address = mailbox.address();
        let lower = Address::new(&address.local().to_lowercase(), address.host().clone()).ok()?;
        Some((Mailbox::new(lower), *user))
    };
    for (mailbox, user) in settings.users.iter().filter_map(lower).collect::<Vec<_>>() {
        settings.users.entry(mailbox).or_insert(user);
    }
    Ok(Arc::new(settings))
}

/// What a look at the alternate route showed, or why it could not be reached.
type Proved = std::result::Result<AlternateRoute, String>;

/// The world outside, as Postfix's questions need it. Cheap to clone.
#[derive(Clone, Debug)]
struct Server {
    world: World,
    settings: Arc<RwLock<Versions>>,
    path: Arc<Path>,
    permissions: Option<Arc<Path>>,
    /// The mails that used up a permission last.
    redeemed: Arc<Mutex<VecDeque<String>>>,
    /// What a look at the alternate route showed, and when.
    route: Arc<tokio::sync::Mutex<Option<(Instant, RelayHost, Proved)>>>,
}

impl Server {
    async fn open(args: &args::Serve, output: Output) -> Result<Self> {
        let settings = read(&args.policy)?;
        if now() < settings.effective_from {
            let Settings { version, effective_from, .. } = &*settings;
            output.log(&format!(
                "settings of version {version} are for {effective_from}, and hold already: there are no others"
            ));
        }
        let world = World::open(&args.network, output).await?.in_a_hurry();
        world.restore(args.kept.as_deref(), output)?;
        Ok(Self {
            world,
            settings: Arc::new(RwLock::new(Versions { now: settings, next: None })),
            path: args.policy.as_path().into(),
            permissions: args.permissions.as_deref().map(Arc::from),
            redeemed: Arc::default(),
            route: Arc::default(),
        })
    }

    fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).in_force()
    }

    /// Reads the settings again. Broken ones change nothing.
    fn reload(&self, output: Output) {
        let settings = match read(&self.path) {
            Ok(settings) => settings,
            Err(failure) => return output.log(&format!("sealpost: {failure}: the settings stay as they were")),
        };
        let Settings { version, effective_from, .. } = &*settings;
        let later = now() < *effective_from;
        output.log(&if later {
            format!("settings of version {version}, from {effective_from} on")
        } else {
            format!("settings of version {version}")
        });
        let mut versions = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        *versions = if later {
            Versions { now: versions.in_force(), next: Some(settings) }
        } else {
            Versions { now: settings, next: None }
        };
    }

    /// Now and then renews policies that are kept, and writes them down. It never ends.
    async fn keep(&self, path: Option<&Path>, output: Output) {
        loop {
            tokio::time::sleep(KEPT_EVERY).await;
            self.world.refresh().await;
            if let Err(failure) = self.world.keep(path) {
                output.log(&format!("sealpost: {failure}"));
            }
        }
    }

    /// Now and then looks again whether DNSSEC works, if it does not. It never ends.
    async fn check(&self, output: Output) {
        loop {
            tokio::time::sleep(CHECK_EVERY).await;
            self.world.check_again(output).await;
        }
    }

    /// What a look at the host of the alternate route shows, by its own DANE and MTA-STS.
    async fn proved(&self, host: &RelayHost, now: Time) -> Proved {
        let next_hop = NextHop::Host { name: host.name.clone(), port: host.port };
        let facts = self.world.destination(next_hop, now).await;
        let planned = plan(&Requirements::NONE, &facts);
        for planned_host in planned.hosts().filter(|host| host.refused().is_none()) {
            if let Some(session) = self.world.look_at(&facts, &planned_host, now).await {
                if matches!(session.channel, Channel::Unreachable { .. } | Channel::HandshakeFailed { .. }) {
                    break;
                }
                let verdict = judge(&planned_host, &session);
                return Ok(host.route(if verdict.delivers() { verdict.held() } else { Atoms::NONE }));
            }
        }
        // It may be there again in a moment: nobody's mail comes back for that.
        Err("it can't be reached".to_owned())
    }
}

impl Outside for Server {
    fn now(&self) -> Time {
        now()
    }

    async fn facts(&self, hop: &Hop) -> postfix::Result<Known> {
        if matches!(hop.to, NextHop::Domain(_)) && hop.port != SMTP {
            // Its hosts' TLSA records would be those of the other port.
            return Err(Error::outside("DNS", "a domain is looked up for port 25 only"));
        }
        let facts = self.world.destination(hop.to.clone(), now()).await;
        Ok(Known { facts: Arc::new(facts), fresh_for: FRESH })
    }

    async fn policy(&self, to: &NextHop) -> postfix::Result<DestinationPolicy> {
        // Postfix asks for the domain only: what is set for single addresses can't be known here.
        Ok(self.settings().destination(to, now()))
    }

    async fn guarantee(&self, sender: &Address) -> postfix::Result<Guarantee> {
        Ok(self.settings().policy(Some(sender), sender, now()).guarantee)
    }

    async fn route(&self) -> postfix::Result<Option<AlternateRoute>> {
        let settings = self.settings();
        let Some(host) = settings.route.as_ref().and_then(|name| settings.hosts.get(name)) else { return Ok(None) };
        // One looks, and the others wait for what it sees.
        let mut kept = self.route.lock().await;
        let fresh = kept.take().filter(|(until, of, _)| Instant::now() < *until && of == host);
        let (until, of, proved) = if let Some(fresh) = fresh {
            fresh
        } else {
            let proved = timeout(LOOK, self.proved(host, now())).await;
            let proved = proved.unwrap_or_else(|_| Err("no answer in time".to_owned()));
            let fresh_for = if proved.is_ok() { FRESH } else { FAILURE };
            (Instant::now() + fresh_for, host.clone(), proved)
        };
        *kept = Some((until, of, proved.clone()));
        drop(kept);
        proved.map(Some).map_err(|problem| Error::outside("the alternate route", problem))
    }

    async fn sessions(&self, plan: &Plan<'_>) -> postfix::Result<Arc<[Session]>> {
        // At all at once: one that is down must not take the time of those behind it.
        let hosts = plan.hosts().filter(|host| host.refused().is_none());
        let looks = self.world.look(plan.facts(), hosts, now()).await.into_iter();
        Ok(looks.map(|look| Session { host: look.host.parse().ok(), facts: look.facts }).collect())
    }

    async fn redeem(&self, user: &str, recipient: &Address, instance: &str) -> postfix::Result<bool> {
        let Some(path) = self.permissions.clone() else { return Ok(false) };
        let key = format!("{instance} {user} {recipient}");
        if self.redeemed.lock().unwrap_or_else(PoisonError::into_inner).contains(&key) {
            return Ok(true);
        }
        let (user, recipient, at) = (user.to_owned(), recipient.clone(), now());
        let used = tokio::task::spawn_blocking(move || permissions::use_up(&path, &user, &recipient, at)).await;
        let used = used.map_err(|error| Error::outside("the permissions", error.to_string()))?;
        let used = used.map_err(|failure| Error::outside("the permissions", failure.to_string()))?;
        if used {
            let mut redeemed = self.redeemed.lock().unwrap_or_else(PoisonError::into_inner);
            redeemed.push_back(key);
            if redeemed.len() > REDEEMED {
                redeemed.pop_front();
            }
        }
        Ok(used)
    }
}
