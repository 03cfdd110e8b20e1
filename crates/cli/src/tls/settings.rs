//! The organisation's settings: read from a file, and asked about one mail.

use std::path::Path;

use sealpost::{
    mail::Address,
    tls_policy::{
        AlternateRoute, Atom, DestinationPolicy, Guarantee, Time,
        facts::TlsVersion,
        requirement::Atoms,
        settings::{RelayHost, Settings},
    },
};

use crate::{
    failure::{At, Failure, Result},
    files::Place,
};

/// Settings are no larger.
const MOST: u64 = 128 << 20;

/// Those of a file; without one nothing is set.
pub(super) fn read(path: Option<&Path>) -> Result<Settings> {
    let Some(path) = path else { return Ok(Settings::default()) };
    let mut text = String::new();
    let place = Place::from(Some(path.to_owned()));
    std::io::Read::read_to_string(&mut place.mail(MOST)?, &mut text).at(path)?;
    Settings::from_toml(&text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// What the settings say about one mail.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) guarantee: Guarantee,
    pub(super) destination: DestinationPolicy,
    pub(super) route: Option<AlternateRoute>,
}

impl Rules {
    /// For a mail that is sent at `now`. For what is no address nothing is set.
    pub(super) fn of(settings: &Settings, from: Option<&Address>, to: Option<&Address>, now: Time) -> Self {
        let Some(to) = to else { return Self::default() };
        let policy = settings.policy(from, to, now);
        Self { guarantee: policy.guarantee, destination: policy.destination, route: policy.route.map(as_configured) }
    }
}

/// The alternate secure route as if a look at it had shown no less than what it is configured for: a valid certificate
/// and the oldest version of TLS that it may come with.
fn as_configured(host: &RelayHost) -> AlternateRoute {
    let proved = [Atom::Encrypted, Atom::Tls12, Atom::PeerAuthenticated, Atom::Pkix, Atom::MxAuthenticated];
    let proved: Atoms = proved.into_iter().collect();
    host.route(if host.min_tls >= TlsVersion::Tls13 { proved.with(Atom::Tls13) } else { proved })
}
