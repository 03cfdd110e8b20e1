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

    /// What only people get. Nothing in it that others wrote can make a terminal do anything.
    pub(crate) fn line(self, text: &str) {
        if self == Self::Text {
            let plain = text.trim_end().replace(|c: char| c.is_control() && c != '\n' && c != '\t', "?");
            drop(writeln!(std::io::stderr(), "{plain}"));
        }
    }

    /// A line of a server's log: for people, or as JSON.
    pub(crate) fn log(self, text: &str) {
        match self {
            Self::Json => drop(writeln!(std::io::stderr(), "{}", json!({ "log": text }))),
            // One line each: what others wrote makes no second one.
            _ => self.line(&text.replace('\n', " ")),
        }
    }

    pub(crate) fn failure(self, failure: &Failure) {
        let json = json!({ "error": failure.to_string(), "exit_code": failure.number() });
        self.beside_data(&json, &format!("sealpost: {failure}"));
    }
}
