//! A store with what was chosen for it, ready for work.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use sealpost::{
    ca::{MailWorkshop, local::LocalAuthority},
    rollover::{
        Subject, SubjectId, SubjectKind, Time,
        authority::CertificateAuthority,
        driver::Driver,
        port::{AuthorityState, KeyStore, Listed},
    },
    store::{
        AnyStore,
        seal::{self, Keyring, Sealer},
        second_place::FolderPlace,
    },
};

use super::{args, authority, choices::Choices};
use crate::failure::{At, Failure, Result};

/// The name of a store.
#[derive(Clone, Debug)]
pub(super) struct Name {
    /// As it was given.
    given: String,
    /// The file, if it is in one.
    file: Option<PathBuf>,
}

impl Name {
    pub(super) fn new(given: &str) -> Self {
        let file = given.strip_prefix("sqlite:").filter(|file| !file.is_empty()).map(PathBuf::from);
        Self { given: given.to_owned(), file }
    }

    /// What errors call it: the file, or the database without whoever logs in to it.
    pub(super) fn text(&self) -> String {
        match (&self.file, self.given.split_once("://")) {
            (Some(file), _) => file.display().to_string(),
            (None, Some((scheme, rest))) => {
                let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                format!("{scheme}://{host}/{}", path.split('?').next().unwrap_or_default())
            }
            (None, None) => self.given.split(':').next().unwrap_or_default().to_owned(),
        }
    }

    /// The file, if it is in one.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// `FILE.ending`; of a database on a server, a name in the folder in which the tool runs.
    pub(super) fn beside(&self, ending: &str) -> PathBuf {
        let ending = format!(".{ending}");
        let name = self.with(&ending).unwrap_or_else(|| PathBuf::from(format!("sealpost{ending}")));
        std::path::absolute(&name).unwrap_or(name)
    }

    fn with(&self, ending: &str) -> Option<PathBuf> {
        let mut name = self.file.clone()?.into_os_string();
        name.push(ending);
        Some(name.into())
    }

    /// Whether nothing is there yet.
    fn is_new(&self) -> bool {
        let is_empty = |file: &Path| fs::metadata(file).map_or(true, |metadata| metadata.len() == 0);
        // What was committed last may be in the log alone.
        let log = self.with("-wal");
        self.file().is_some_and(is_empty) && log.is_none_or(|log| is_empty(&log))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// A store that is open.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) name: Name,
    /// Where its key-encryption key is.
    pub(super) source: String,
    /// Which version of it new keys are sealed under.
    pub(super) key_version: u32,
    pub(super) store: Arc<AnyStore>,
    pub(super) choices: Choices,
    /// Another time than the store's clock shows.
    clock: Option<Time>,
}

/// How much is made an hour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Requests that the authority takes.
    pub(super) requests: u32,
    /// Keys that one node makes.
    pub(super) keys: u32,
}

/// How many subjects are read at once.
const PAGE: u32 = 500;

/// What carries out the work of a site.
pub(super) type Worker = Driver<AnyStore, LocalAuthority, MailWorkshop>;

impl Site {
    /// Opens a store; a file is made if there is none, with its key-encryption key.
    pub(super) async fn open(at: &args::At) -> Result<Self> {
        let name = Name::new(&at.store);
        let source = source(at, &name)?;
        if name.is_new() {
            make_key(&source)?;
        }
        Self::open_with(at, name, source).await
    }

    /// The same for `init`, which also makes the key-encryption key of a store on a server, if it is new too.
    pub(super) async fn open_or_make(at: &args::At) -> Result<Self> {
        let name = Name::new(&at.store);
        let source = source(at, &name)?;
        let made = (name.is_new() || name.file.is_none()).then(|| make_key(&source)).transpose()?.flatten();
        let opened = Self::open_with(at, name.clone(), source).await;
        if let (Err(_), None, Some(path)) = (&opened, name.file(), made) {
            // Whatever is on the server, nothing of it was sealed with a key that is a moment old.
            fs::remove_file(&path).at(&path)?;
        }
        opened
    }

    async fn open_with(at: &args::At, name: Name, source: String) -> Result<Self> {
        let keyring = Keyring::open(&source).at("--key-source")?;
        let key_version = keyring.version();
        let mut store = sealpost::store::open(&at.store, Arc::new(keyring)).await.at(name.text())?;
        if let Some(clock) = at.clock {
            store = store.with_clock(move || clock);
        }
        let choices = Choices::of(&store, &name).await?;
        if let Some(folder) = &choices.second_place {
            store = store.with_second_place(Arc::new(FolderPlace::open(folder).at(folder)?));
        }
        Ok(Self { name, source, key_version, store: Arc::new(store), choices, clock: at.clock })
    }

    /// The node that works on it.
    pub(super) fn worker(&self, node: Option<&str>) -> Result<Worker> {
        let authority = authority::open(&self.choices, self.clock)?;
        let workshop = Arc::new(authority::workshop(&authority, &self.choices));
        let node = node.map_or_else(node_name, str::to_owned);
        let policy = self.choices.policy.clone();
        Ok(Driver::new(Arc::clone(&self.store), Arc::new(authority), workshop, policy, node))
    }

    /// How the authority is doing, if there is one yet.
    pub(super) async fn authority(&self, now: Time) -> Result<Option<AuthorityState>> {
        if !authority::exists(&self.choices.ca) {
            return Ok(None);
        }
        let authority = authority::open(&self.choices, self.clock)?;
        self.store.authority(authority.name(), now, |_| {}).await.map(Some).at(self.name.text())
    }

    /// Whether the authority's rate is used up, and only for a moment: it is not away.
    pub(super) async fn fills_up(&self) -> Result<bool> {
        // A clock that stands still fills nothing up.
        let now = self.store.now().await.at(self.name.text())?;
        let authority = self.authority(now).await?.filter(|_| self.clock.is_none());
        Ok(authority.is_some_and(|authority| authority.permits == 0 && authority.ask_from <= now))
    }

    /// How fast keys and certificates are made.
    pub(super) async fn pace(&self) -> Result<Pace> {
        let authority = authority::open(&self.choices, self.clock)?;
        let requests = authority.capabilities().certificates_per_hour();
        let keys = authority::keys_per_hour(&authority::workshop(&authority, &self.choices)).await?;
        Ok(Pace { requests, keys })
    }

    /// How many subjects there are.
    pub(super) async fn size(&self) -> Result<u32> {
        let (mut count, mut after) = (0_u32, None);
        loop {
            let page = self.store.list(after, PAGE).await.at(self.name.text())?;
            let Some(last) = page.last() else { return Ok(count) };
            after = Some(last.subject.id);
            count = count.saturating_add(u32::try_from(page.len()).unwrap_or(u32::MAX));
        }
    }

    /// The subject with that address, whatever it is.
    pub(super) async fn subject(&self, address: &str) -> Result<Listed> {
        for kind in SubjectKind::ALL {
            let found = self.store.load(SubjectId::of(kind, address)).await.at(self.name.text())?;
            if let Some(listed) = found {
                return Ok(listed);
            }
        }
        Err(Failure::new(format!("{address}: not enrolled in {}", self.name)))
    }

    /// Those with these addresses: all of them, or the first one that is missing is an error.
    pub(super) async fn subjects(&self, addresses: &[String]) -> Result<Vec<Listed>> {
        let mut all = Vec::with_capacity(addresses.len());
        for address in addresses {
            all.push(self.subject(address).await?);
        }
        Ok(all)
    }
}

/// Where the key-encryption key is.
fn source(at: &args::At, name: &Name) -> Result<String> {
    match (&at.key_source, name.file()) {
        (Some(source), _) => Ok(source.clone()),
        (None, Some(_)) => Ok(format!("file:{}", name.beside("kek").display())),
        (None, None) => Err(Failure::new(format!("{name}: say where its key-encryption key is: --key-source"))),
    }
}

/// Makes the key-encryption key of a new store in a file, if there is none; says where, if it did.
fn make_key(source: &str) -> Result<Option<PathBuf>> {
    match source.strip_prefix("file:").map(PathBuf::from) {
        Some(path) if !path.exists() => {
            seal::create(source).at(&path)?;
            Ok(Some(path))
        }
        _ => Ok(None),
    }
}

/// What this node calls itself: the host's name.
fn node_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "sealpost".to_owned() } else { name.trim().to_owned() }
}

/// Who uses the tool, for the audit chain.
pub(super) fn actor() -> String {
    std::env::var("USER").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "sealpost".to_owned())
}

/// What to call a subject.
pub(super) fn called(subject: &Subject) -> String {
    match subject.kind {
        SubjectKind::Mailbox => subject.address.clone(),
        kind => format!("{} ({})", subject.address, kind.word()),
    }
}
