//! How much a report holds, counted before room is made for it: a few octets of JSON can take many times as many in
//! memory, and of packed JSON there can be a thousand times as much.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

/// How much it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Outline")]
pub(super) struct Counted {
    pub(super) policies: usize,
    /// Under all policies together.
    pub(super) failures: usize,
    /// Hosts and lines, of all policies together.
    pub(super) texts: usize,
}

#[derive(Deserialize)]
struct Outline {
    #[serde(default)]
    policies: List<Policy>,
}

/// A list, of which only the sum is kept.
#[derive(Default)]
struct List<T> {
    len: usize,
    sum: T,
}

/// Elements of a list that are not looked at.
#[derive(Default, Deserialize)]
#[serde(from = "IgnoredAny")]
struct Any;

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Policy {
    policy: Description,
    failure_details: List<Any>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Description {
    policy_string: List<Any>,
    mx_host: List<Any>,
}

/// What can be summed up.
trait Sum: Default {
    fn add(&mut self, other: Self);
}

impl Sum for Any {
    fn add(&mut self, _: Self) {}
}

impl Sum for Policy {
    fn add(&mut self, other: Self) {
        self.failure_details.len += other.failure_details.len;
        self.policy.policy_string.len += other.policy.policy_string.len;
        self.policy.mx_host.len += other.policy.mx_host.len;
    }
}

impl From<IgnoredAny> for Any {
    fn from(_: IgnoredAny) -> Self {
        Self
    }
}

impl From<Outline> for Counted {
    fn from(Outline { policies: List { len, sum } }: Outline) -> Self {
        let texts = sum.policy.policy_string.len + sum.policy.mx_host.len;
        Self { policies: len, failures: sum.failure_details.len, texts }
    }
}

impl<'de, T: Sum + Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Elements(Self::default()))
    }
}

struct Elements<T>(List<T>);

impl<'de, T: Sum + Deserialize<'de>> Visitor<'de> for Elements<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<List<T>, A::Error> {
        while let Some(element) = elements.next_element()? {
            self.0.len += 1;
            self.0.sum.add(element);
        }
        Ok(self.0)
    }

    /// Some write one text where there should be a list.
    fn visit_str<E>(self, _: &str) -> Result<List<T>, E> {
        Ok(List { len: 1, ..self.0 })
    }

    /// Some write `null` for an empty one.
    fn visit_unit<E>(self) -> Result<List<T>, E> {
        Ok(self.0)
    }
}
