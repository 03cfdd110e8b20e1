//! Which name servers are asked, and for how long.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::dnssec::TrustAnchors,
    system_conf::read_system_conf,
};

use crate::{Error, Result, dane::lookup::Limits};

/// How long the text of trust anchors may be: some keys, of some hundred octets each.
const MOST_ANCHORS: usize = 65_536;

/// How a resolver is set up.
#[derive(Clone)]
pub struct Settings {
    servers: Vec<NameServerConfig>,
    anchors: Arc<TrustAnchors>,
    /// How long to wait for an answer.
    wait: Duration,
    /// How many answers are kept in memory.
    cached: u64,
    pub(super) longest: Duration,
    pub(super) limits: Limits,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("servers", &self.servers).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Settings {
    /// Asks these name servers, over UDP, and over TCP where answers are too long. They must be recursive.
    ///
    /// # Errors
    ///
    /// [`Error::Resolver`] if there is none.
    pub fn new(name_servers: &[SocketAddr]) -> Result<Self> {
        let of = |server: &SocketAddr| {
            let mut config = NameServerConfig::udp_and_tcp(server.ip());
            config.connections.iter_mut().for_each(|connection| connection.port = server.port());
            config
        };
        Self::of(name_servers.iter().map(of).collect())
    }

    /// Asks the name servers of this system.
    ///
    /// # Errors
    ///
    /// [`Error::Resolver`] if its settings can't be read, or name none.
    pub fn system() -> Result<Self> {
        let (config, _) = read_system_conf().map_err(|error| Error::Resolver(error.to_string()))?;
        Self::of(config.name_servers().to_vec())
    }

    fn of(servers: Vec<NameServerConfig>) -> Result<Self> {
        if servers.is_empty() {
            return Err(Error::Resolver("there is no name server".to_owned()));
        }
        Ok(Self {
            servers,
            anchors: Arc::new(TrustAnchors::default()),
            wait: Duration::from_secs(3),
            cached: 4_096,
            longest: Duration::from_secs(20),
            limits: Limits::default(),
        })
    }

    /// Trusts these keys of the root instead of the built-in ones: DNSKEY records, one a line, as zone files have them.
    ///
    /// # Errors
    ///
    /// [`Error::Resolver`] if they can't be read, or if no key of the root is among them: with only keys of other zones
    /// every answer would be bogus.
    pub fn with_trust_anchors(mut self, text: &str) -> Result<Self> {
        if text.len() > MOST_ANCHORS {
            return Err(Error::Resolver("the trust anchors are longer than 65,536 octets".to_owned()));
        }
        let anchors: TrustAnchors = text.parse().map_err(|error| Error::Resolver(format!("trust anchors: {error}")))?;
        if anchors.is_empty() {
            return Err(Error::Resolver("no key of the root is among the trust anchors".to_owned()));
        }
        self.anchors = Arc::new(anchors);
        Ok(self)
    }

    /// Waits so long for one answer, which is asked for twice, and so long for all that a search needs.
    #[must_use]
    pub fn with_time_limits(mut self, answer: Duration, search: Duration) -> Self {
        (self.wait, self.longest) = (answer, search);
        self
    }

    /// Keeps so many answers in memory, for as long as they say; 0 keeps none.
    #[must_use]
    pub fn with_cache(mut self, answers: u64) -> Self {
        self.cached = answers;
        self
    }

    /// Takes no more than this of what is answered.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(super) fn build(&self, validates: bool) -> Result<TokioResolver, NetError> {
        let config = ResolverConfig::from_parts(None, Vec::new(), self.servers.clone());
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options: &mut ResolverOpts = builder.options_mut();
        options.ndots = 0;
        options.timeout = self.wait;
        options.attempts = 1;
        options.edns0 = true;
        options.validate = validates;
        options.cache_size = self.cached;
        // DNS only: what a file of this machine says is no proof.
        options.use_hosts_file = ResolveHosts::Never;
        // Each alias has its own proof.
        options.preserve_intermediates = true;
        options.max_active_requests = 1_024;
        if validates {
            builder = builder.with_trust_anchor(Arc::clone(&self.anchors));
        }
        builder.build()
    }
}
