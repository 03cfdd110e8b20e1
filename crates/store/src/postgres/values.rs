//! Values as PostgreSQL writes them.

use std::error::Error as StdError;

use tokio_postgres::{
    Error,
    types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

use crate::sql::{Row, Value};

type Outcome<T> = Result<T, Box<dyn StdError + Sync + Send>>;

impl ToSql for Value {
    fn to_sql(&self, column: &Type, out: &mut BytesMut) -> Outcome<IsNull> {
        match self {
            Self::Integer(number) => number.to_sql(column, out),
            Self::Text(text) => text.to_sql(column, out),
            Self::Blob(octets) => octets.to_sql(column, out),
            Self::Null => Ok(IsNull::Yes),
        }
    }

    fn accepts(column: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(column)
    }

    to_sql_checked!();
}

impl FromSql<'_> for Value {
    fn from_sql(column: &Type, octets: &[u8]) -> Outcome<Self> {
        Ok(match *column {
            Type::INT8 => Self::Integer(i64::from_sql(column, octets)?),
            Type::INT4 => Self::Integer(i32::from_sql(column, octets)?.into()),
            Type::BYTEA => Self::Blob(octets.to_vec()),
            Type::TEXT => Self::Text(String::from_sql(column, octets)?),
            // What a lock returns.
            _ => Self::Null,
        })
    }

    fn from_sql_null(_: &Type) -> Outcome<Self> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

pub(super) fn row(row: &tokio_postgres::Row) -> Result<Row, Error> {
    let values: Result<Vec<Value>, Error> = (0..row.len()).map(|column| row.try_get(column)).collect();
    Ok(Row::new(values?))
}
