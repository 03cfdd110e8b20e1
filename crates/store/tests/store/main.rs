//! A store keeps what it is given, in either database, whatever happens to it.
#![cfg(test)]

mod conformance;
mod filled;
mod moving;
#[cfg(all(unix, feature = "postgres"))]
mod postgres;
mod refusals;
mod sealer;
#[cfg(feature = "sqlite")]
mod sqlite;
