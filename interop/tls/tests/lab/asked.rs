//! What Postfix asks: our maps and our policy delegation, over TCP as in earnest, with DNS and hosts that are really
//! looked at. Settings, which a server has elsewhere, are lists here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use sealpost_interop_tls::Lab;
use sealpost_mail::Address;
use sealpost_postfix::{
    Event, Journal, Known, Limits, Listener, Maps, Outside, Result, Session, Socketmaps, Submission, next_hop::Hop,
    serve,
};
use sealpost_tls_policy::{
    AlternateRoute, DestinationPolicy, Guarantee, Plan, Span, Time,
    facts::NextHop,
    judge,
    one_time::{MemoryRedeemed, Pair, Redemption, TokenKey},
};
use tokio::runtime::Runtime;

use crate::ours::{Ours, now};

/// What an administrator and users have set.
pub(crate) struct Settings {
    pub(crate) guarantees: BTreeMap<&'static str, Guarantee>,
    /// The host of the alternate route.
    pub(crate) route: Option<&'static str>,
    /// One mail each without the guarantee: the user and the recipient.
    permissions: Vec<(String, Address)>,
    /// What became of tokens.
    redeemed: MemoryRedeemed,
}

impl Settings {
    /// One user with a guarantee.
    pub(crate) fn with(user: &'static str, guarantee: Guarantee) -> Self {
        let redeemed = MemoryRedeemed::new(100);
        Self { guarantees: [(user, guarantee)].into(), route: None, permissions: Vec::new(), redeemed }
    }
}

/// The servers.
pub(crate) struct Asked {
    settings: Arc<Mutex<Settings>>,
    noted: Arc<Mutex<Vec<String>>>,
    _runtime: Runtime,
}

/// What the servers ask.
#[derive(Clone)]
struct World {
    ours: Arc<Ours>,
    settings: Arc<Mutex<Settings>>,
}

/// What tokens are made with.
fn key() -> TokenKey {
    TokenKey::from_octets([7; 32])
}

impl Outside for World {
    fn now(&self) -> Time {
        now()
    }

    async fn facts(&self, hop: &Hop) -> Result<Known> {
        let facts = Arc::new(self.ours.destination(&hop.to).await);
        Ok(Known { facts, fresh_for: Duration::ZERO })
    }

    async fn policy(&self, _: &NextHop) -> Result<DestinationPolicy> {
        Ok(DestinationPolicy::default())
    }

    async fn guarantee(&self, sender: &Address) -> Result<Guarantee> {
        let settings = self.settings.lock().unwrap();
        Ok(settings.guarantees.get(sender.to_string().as_str()).copied().unwrap_or_default())
    }

    async fn route(&self) -> Result<Option<AlternateRoute>> {
        let host = self.settings.lock().unwrap().route;
        match host {
            Some(host) => Ok(Some(self.ours.route(host).await)),
            None => Ok(None),
        }
    }

    async fn sessions(&self, plan: &Plan<'_>) -> Result<Arc<[Session]>> {
        let mut sessions = Vec::new();
        for host in plan.hosts().filter(|host| host.refused().is_none()) {
            let Some(session) = self.ours.look(plan.facts(), &host).await else { continue };
            let facts = session.quit().await;
            let delivers = judge(&host, &facts).delivers();
            sessions.push(Session { host: host.name().cloned(), facts });
            if delivers {
                break;
            }
        }
        Ok(sessions.into())
    }

    async fn redeem(&self, user: &str, recipient: &Address, _: &str) -> Result<bool> {
        let permissions = &mut self.settings.lock().unwrap().permissions;
        let found = permissions.iter().position(|(whose, to)| whose == user && to == recipient);
        Ok(found.map(|found| permissions.remove(found)).is_some())
    }
}

impl Asked {
    /// Starts to serve at the addresses that the documentation has.
    pub(crate) fn serve(lab: &Lab, settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let settings = Arc::new(Mutex::new(settings));
        let noted: Arc<Mutex<Vec<String>>> = Arc::default();
        let world = World { ours: Arc::new(Ours::new(lab)), settings: Arc::clone(&settings) };
        let notes = Arc::clone(&noted);
        let journal: Arc<dyn Journal> =
            Arc::new(move |event: &Event<'_>| notes.lock().unwrap().push(event.to_string()));
        let (maps, submission) = runtime.block_on(async {
            let listen = |port| Listener::tcp(([127, 0, 0, 1], port).into());
            (listen(8461).await.unwrap(), listen(8462).await.unwrap())
        });
        let never = std::future::pending;
        let dialogue = Arc::new(Socketmaps::new(Maps::new(world.clone()), Arc::clone(&journal)));
        runtime.spawn(serve(maps, dialogue, Limits::default(), Arc::clone(&journal), never()));
        let dialogue = Arc::new(Submission::new(world, "smtp".parse().unwrap(), Arc::clone(&journal)));
        runtime.spawn(serve(submission, dialogue, Limits::default(), journal, never()));
        Self { settings, noted, _runtime: runtime }
    }

    /// `user` brings the token of a bounce to `sender`, and may send one mail to `recipient` if it is good.
    pub(crate) fn allow(&self, token: &str, user: &str, [sender, recipient]: [&str; 2]) -> Redemption {
        let (sender, recipient): (Address, Address) = (sender.parse().unwrap(), recipient.parse().unwrap());
        let settings = &mut self.settings.lock().unwrap();
        let pair = Pair { sender: &sender, recipient: &recipient };
        let redemption = key().redeem(token, pair, now(), &mut settings.redeemed);
        if redemption.is_granted() {
            settings.permissions.push((user.to_owned(), recipient));
        }
        redemption
    }

    /// Changes the settings.
    pub(crate) fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings.lock().unwrap());
    }

    /// What the servers had to note.
    pub(crate) fn noted(&self) -> Vec<String> {
        self.noted.lock().unwrap().clone()
    }
}

/// A token that `sender` gets with the bounce of a mail to `recipient`.
pub(crate) fn token(sender: &str, recipient: &str) -> String {
    let (sender, recipient) = (sender.parse().unwrap(), recipient.parse().unwrap());
    let pair = Pair { sender: &sender, recipient: &recipient };
    key().grant(pair, "9FD25686", now(), Span::minutes(10)).unwrap().reveal().to_owned()
}
