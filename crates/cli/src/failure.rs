//! Failures, and the exit codes that they have.

use std::{error::Error, fmt, path::Path, process::ExitCode};

/// Why a command failed. Its text names what and where.
///
/// | exit code | meaning |
/// |---|---|
/// | 0 | done |
/// | 1 | bad input, a wrong key, or reading or writing failed; an output file is absent or untouched |
/// | 2 | the command line is wrong |
/// | 3 | nothing to transform: no session key or recipient of the message is for the instances, or each was refused |
/// | 10 | `smime verify`: a signature is invalid |
/// | 11 | `smime verify`: a signer is not trusted |
/// | 12 | `smime verify`: the mail is from somebody else than the signer |
/// | 20 | `rollover tick`: something failed for some subjects, and is tried again; the rest was done |
/// | 21 | `rollover init`, `replace`: the authority's rate or the time does not allow it; nothing was changed |
/// | 22 | `rollover audit verify`: a record was changed, is missing, or was put in |
/// | 30 | `tls explain`: the mail would wait |
/// | 31 | `tls explain`: the mail would come back to its sender |
/// | 32 | `tls check`: mail to there does not go safely |
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }

    /// Nothing to transform.
    pub(crate) fn nothing(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 3 }
    }

    /// A mail was verified, and this is what came of it.
    pub(crate) fn verdict(message: impl Into<String>, code: u8) -> Self {
        Self { message: message.into(), code }
    }

    /// A tick failed for so many subjects.
    pub(crate) fn some_failed(subjects: usize) -> Self {
        Self { message: format!("something failed, it is tried again; subjects affected: {subjects}"), code: 20 }
    }

    /// It can't be done, for these reasons; nothing was changed.
    pub(crate) fn infeasible(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 21 }
    }

    /// The audit chain is broken.
    pub(crate) fn broken(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 22 }
    }

    pub(crate) fn code(&self) -> ExitCode {
        self.code.into()
    }

    pub(crate) fn number(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Says where an error happened, and all that is behind it.
pub(crate) trait At<T> {
    fn at(self, place: impl AsRef<Path>) -> Result<T>;
}

impl<T, E: Error> At<T> for std::result::Result<T, E> {
    fn at(self, place: impl AsRef<Path>) -> Result<T> {
        self.map_err(|error| {
            let (place, mut message) = (place.as_ref().display().to_string(), error.to_string());
            // Some errors name the place themselves.
            let named = format!("{place}:");
            if !message.starts_with(&named) && !message.contains(&format!(": {named}")) {
                message = format!("{place}: {message}");
            }
            let mut source = error.source();
            while let Some(cause) = source {
                let cause_text = cause.to_string();
                if !message.ends_with(&cause_text) {
                    message = format!("{message}: {cause_text}");
                }
                source = cause.source();
            }
            Failure::new(message)
        })
    }
}
