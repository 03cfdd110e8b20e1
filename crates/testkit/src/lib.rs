//! What the tests of all crates share: vectors, bodies of fuzz targets, framings of messages.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test stops where its material is not as it should be"
)]

pub mod a3;
pub mod der;
pub mod forms;
pub mod fuzz;
pub mod keys;
pub mod leaks;
pub mod memory;
pub mod messages;
#[cfg(unix)]
pub mod postgres;
pub mod rng;
pub mod seeds;
pub mod tally;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// The folder of vectors beside the project. Where it is missing a test is skipped and says so; under
/// `CI=true` that is a failure.
///
/// # Panics
///
/// Under `CI=true`, if the folder is missing.
#[must_use]
pub fn vectors() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    if folder.is_dir() {
        return Some(folder);
    }
    missing("the folder of test vectors");
    None
}

/// Says loudly that something that a test needs is missing. Under `CI=true` that is a failure.
///
/// # Panics
///
/// Under `CI=true`.
pub fn missing(what: &str) {
    assert!(!in_ci(), "{what} is missing: the tests need it");
    eprintln!("SKIPPED: {what} is missing");
}

fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true")
}

/// Octets written in hexadecimal digits.
///
/// # Panics
///
/// On anything else.
#[must_use]
pub fn unhex(digits: &str) -> Vec<u8> {
    let digits = digits.trim().as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The same as an array.
///
/// # Panics
///
/// If there are more or fewer octets.
#[must_use]
pub fn unhex_array<const N: usize>(digits: &str) -> [u8; N] {
    unhex(digits).try_into().expect("the length of a vector")
}

/// A file of the draft's vectors (`vectors/draft`).
///
/// # Panics
///
/// If it is missing while the folder is there.
#[must_use]
pub fn draft(name: &str) -> Option<Vec<u8>> {
    vectors().map(|folder| fs::read(folder.join("draft").join(name)).expect("a vector of the draft"))
}

/// A file of the draft's vectors with hexadecimal digits.
#[must_use]
pub fn draft_hex(name: &str) -> Option<Vec<u8>> {
    draft(name).map(|digits| unhex(&String::from_utf8_lossy(&digits)))
}

/// Messages by real senders, and hostile points (`vectors/senders/senders.json`).
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct Senders {
    /// Messages to the recipient of A.3, each with its forwarded form.
    pub messages: Vec<SenderMessage>,
    /// Points with verdicts, for the factor of A.2.
    #[serde(rename = "points_with_A2_k")]
    pub points: Points,
}

/// A message by a real sender.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct SenderMessage {
    /// A short name.
    pub name: String,
    /// What it says.
    pub plaintext: String,
    /// The message in hexadecimal digits.
    pub hex: String,
    /// The forwarded message in hexadecimal digits.
    pub forwarded_hex: String,
}

/// Points and the factor that multiplies them.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct Points {
    /// The factor, little-endian, in hexadecimal digits.
    pub k_le: String,
    /// The points.
    pub list: Vec<HostilePoint>,
}

/// A point that no honest sender makes.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct HostilePoint {
    /// The u-coordinate, little-endian, in hexadecimal digits.
    pub u: String,
    /// What is wrong with it.
    pub why: String,
    /// What is to become of it.
    pub verdict: String,
    /// What the draft's policy makes of it.
    #[serde(rename = "draft_kP")]
    pub draft: Option<String>,
    /// What it becomes once its torsion is cleared.
    #[serde(rename = "torsion_cleared_kP")]
    pub cleared: Option<String>,
}

/// Reads `vectors/senders/senders.json`.
///
/// # Panics
///
/// If it can't be read while the folder is there.
#[must_use]
pub fn senders() -> Option<Senders> {
    let folder = vectors()?;
    let json = fs::read(folder.join("senders/senders.json")).expect("the senders' messages");
    Some(serde_json::from_slice(&json).expect("the format of the senders' messages"))
}
