#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod any;
mod copy;
mod durable;
mod error;
pub mod import;
#[cfg(feature = "postgres")]
mod postgres;
mod schema;
pub mod seal;
pub mod second_place;
pub mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;

pub use any::{AnyStore, open};
pub use copy::{Copied, copy};
pub use error::{Error, Result};
#[cfg(feature = "postgres")]
pub use postgres::Postgres;
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;
pub use store::{Rewrapped, SqlStore};
