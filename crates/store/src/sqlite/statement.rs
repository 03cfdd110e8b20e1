//! Statements, with values as the store knows them.

use rusqlite::{
    Connection, Result, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use crate::sql::{Row, Value};

impl ToSql for Value {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(octets) => ValueRef::Blob(octets),
            Self::Null => ValueRef::Null,
        }))
    }
}

pub(super) fn execute(connection: &Connection, sql: &str, values: &[Value]) -> Result<u64> {
    let changed = connection.prepare_cached(sql)?.execute(params_from_iter(values))?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

pub(super) fn query(connection: &Connection, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let read = |row: &rusqlite::Row<'_>| {
        let values: Result<Vec<Value>> = (0..columns).map(|column| Ok(value(row.get_ref(column)?))).collect();
        Ok(Row::new(values?))
    };
    statement.query_map(params_from_iter(values), read)?.collect()
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(number) => Value::Integer(number),
        // What is no text after all stays octets: whoever wants text finds it damaged.
        ValueRef::Text(octets) => {
            str::from_utf8(octets).map_or_else(|_| Value::Blob(octets.to_vec()), |text| Value::Text(text.to_owned()))
        }
        ValueRef::Blob(octets) => Value::Blob(octets.to_vec()),
        // No column holds such numbers.
        ValueRef::Null | ValueRef::Real(_) => Value::Null,
    }
}
