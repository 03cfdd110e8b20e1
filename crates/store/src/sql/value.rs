//! Values and rows, the same for all databases.

use std::{fmt, vec};

use sealpost_rollover::{SubjectId, Time};

use crate::{Error, Result};

/// A value of a column or parameter.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A number, or a truth value: 0 or 1.
    Integer(i64),
    /// Text.
    Text(String),
    /// Octets.
    Blob(Vec<u8>),
    /// Nothing.
    Null,
}

/// Without the octets: they may be a sealed key.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Blob(octets) => write!(f, "{} octets", octets.len()),
            Self::Null => f.write_str("NULL"),
        }
    }
}

macro_rules! into_value {
    ($($from:ty: $value:ident => $into:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $into
            }
        })*
    };
}

into_value! {
    i64: number => Self::Integer(number);
    u16: number => Self::Integer(number.into());
    u32: number => Self::Integer(number.into());
    // What is counted never comes near to this.
    u64: number => Self::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    bool: holds => Self::Integer(holds.into());
    Time: time => Self::Integer(time.unix());
    &str: text => Self::Text(text.to_owned());
    &String: text => Self::Text(text.clone());
    String: text => Self::Text(text);
    &[u8]: octets => Self::Blob(octets.to_vec());
    &Vec<u8>: octets => Self::Blob(octets.clone());
    Vec<u8>: octets => Self::Blob(octets);
    SubjectId: id => Self::Blob(id.octets().to_vec());
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What a column may be read as.
pub(crate) trait FromValue: Sized {
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! from_integer {
    ($($into:ty),*) => {
        $(impl FromValue for $into {
            fn from_value(value: Value) -> Option<Self> {
                if let Value::Integer(number) = value { Self::try_from(number).ok() } else { None }
            }
        })*
    };
}

from_integer!(i64, u16, u32, u64, Time);

impl FromValue for bool {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Blob(octets) = value { Some(octets) } else { None }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: Value) -> Option<Self> {
        Vec::from_value(value)?.try_into().ok()
    }
}

impl FromValue for SubjectId {
    fn from_value(value: Value) -> Option<Self> {
        Some(Self::from_octets(FromValue::from_value(value)?))
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

/// A row: its values in the order of the statement's columns, read one after another.
#[derive(Debug)]
pub struct Row(vec::IntoIter<Value>);

impl Row {
    /// Of these values.
    #[must_use]
    pub fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// The next value, of the column called `column`.
    pub(crate) fn next<T: FromValue>(&mut self, column: &'static str) -> Result<T> {
        self.0.next().and_then(T::from_value).ok_or_else(|| Error::damaged(column, "it does not hold what it must"))
    }

    /// All values that are left.
    pub(crate) fn rest(self) -> Vec<Value> {
        self.0.collect()
    }
}
