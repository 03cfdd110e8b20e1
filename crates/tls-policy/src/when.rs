//! Times as texts in JSON and as TOML writes them (RFC 3339), for `#[serde(with)]`.

use std::fmt;

use sealpost_time::Time;
use serde::{Deserializer, Serializer, de};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference to the field")]
pub(crate) fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    deserializer.deserialize_any(When)
}

/// The same for a time that may be missing.
pub(crate) mod option {
    use serde::Deserialize;

    use super::{Deserializer, Serializer, Time};

    #[derive(Deserialize)]
    struct Wrapped(#[serde(with = "super")] Time);

    #[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference to the field")]
    pub(crate) fn serialize<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => super::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
        Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|Wrapped(time)| time))
    }
}

struct When;

impl<'de> de::Visitor<'de> for When {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time in UTC, such as 2026-11-27T08:00:00Z")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
        Time::from_rfc3339(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    /// TOML has times of its own, and gives them as a map of one entry.
    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Time, A::Error> {
        match map.next_entry::<String, String>()? {
            Some((_, text)) => self.visit_str(&text),
            None => Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
        }
    }
}
