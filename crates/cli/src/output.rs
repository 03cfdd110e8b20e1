//! What people and machines are told.

use std::io::Write;

use serde_json::{Value, json};

use crate::failure::Failure;

/// How reports are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// To people, on stderr.
    Text,
    /// To machines.
    Json,
    /// To nobody.
    Quiet,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }

    /// A report beside data on stdout: JSON or text, on stderr.
    pub(crate) fn beside_data(self, json: &Value, text: &str) {
        match self {
            Self::Json => drop(writeln!(std::io::stderr(), "{json}")),
            _ => self.line(text),
        }
    }

    /// A report that is the command's only result: JSON on stdout, or text on stderr.
    pub(crate) fn result(self, json: &Value, text: &str) {
        match self {
            Self::Json => drop(writeln!(std::io::stdout(), "{json}")),
            _ => self.line(text),
        }
    }

    /// What only people get.
    pub(crate) fn line(self, text: &str) {
        if self == Self::Text {
            drop(writeln!(std::io::stderr(), "{}", text.trim_end()));
        }
    }

    pub(crate) fn failure(self, failure: &Failure) {
        let json = json!({ "error": failure.to_string(), "exit_code": failure.number() });
        self.beside_data(&json, &format!("sealpost: {failure}"));
    }
}
