//! Settings, read from TOML.

use serde::Deserialize;
use toml::Spanned;

use super::Settings;
use crate::{Error, Result};

/// Octets of settings. A million users take less.
const LONGEST: usize = 128 << 20;

impl Settings {
    /// Reads settings that are written in TOML. What is not known is refused: a word that is misspelt must not switch
    /// a guarantee off.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] says in which line what is wrong.
    pub fn from_toml(text: &str) -> Result<Self> {
        if text.len() > LONGEST {
            return Err(Error::Settings { line: 1, problem: "they are longer than 128 MiB".to_owned() });
        }
        let settings: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line(text, span.start));
            Error::Settings { line, problem: error.message().replace(['\r', '\n'], " ") }
        })?;
        if let Some(route) = settings.route.as_ref().filter(|route| !settings.hosts.contains_key(*route)) {
            let place = toml::from_str::<Places>(text).ok().and_then(|places| places.route);
            let line = place.map_or(1, |place| line(text, place.span().start));
            return Err(Error::Settings {
                line,
                problem: format!("route: no host {route:?} is registered under [hosts]"),
            });
        }
        Ok(settings)
    }
}

/// Where something is.
#[derive(Deserialize)]
struct Places {
    route: Option<Spanned<String>>,
}

/// Counted from 1.
fn line(text: &str, place: usize) -> usize {
    text.bytes().take(place).filter(|c| *c == b'\n').count() + 1
}
