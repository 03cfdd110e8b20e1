//! What people and machines are told.

use std::io::Write;

use serde_json::{Value, json};

use crate::failure::Failure;

/// How reports are given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// A report beside data on stdout: JSON or text, on stderr.
    pub(crate) fn beside_data(self, json: &Value, text: &str) {
        let report = if self.json { json.to_string() } else { text.trim_end().to_owned() };
        let _ = writeln!(std::io::stderr(), "{report}");
    }

    /// A report that is the command's only result: JSON on stdout, or text on stderr.
    pub(crate) fn result(self, json: &Value, text: &str) {
        let _ = if self.json {
            writeln!(std::io::stdout(), "{json}")
        } else {
            writeln!(std::io::stderr(), "{}", text.trim_end())
        };
    }

    /// A line while something is going on; machines don't get it.
    pub(crate) fn line(self, text: &str) {
        if !self.json {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    pub(crate) fn failure(self, failure: &Failure) {
        let json = json!({ "error": failure.to_string(), "exit_code": failure.number() });
        self.beside_data(&json, &format!("sealpost: {failure}"));
    }
}
