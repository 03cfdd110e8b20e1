//! The mail that tells a sender that a mail was stopped, and why (RFC 3464, RFC 3461 §6, RFC 6533).
//!
//! It goes to the sender at once. It names the recipients concerned and no others, says the cause in the fixed English
//! words that logs and people know, beside it what that means in the sender's language, and what can be done.
//!
//! ```
//! use sealpost_mail::Address;
//! use sealpost_time::{Span, Time};
//! use sealpost_tls_policy::{
//!     Status,
//!     bounce::{Failed, Outcome, Reporter, Stopped},
//!     explain::Language,
//! };
//!
//! let sender: Address = "u@sender.example".parse()?;
//! let recipient: Address = "g@plain.example".parse()?;
//! let now = Time::from_unix(1_795_780_800);
//! let stopped = Stopped {
//!     mail: b"Subject: hi\r\n\r\nhello\r\n",
//!     sender: Some(&sender),
//!     queue_id: "9FD25686",
//!     arrival: now - Span::seconds(2),
//!     envelope_id: None,
//!     ret: None,
//! };
//! // Mostly by `Failed::of`, from a verdict.
//! let cause = "TLS is required, but was not offered by host mx.plain.example[192.0.2.1]";
//! let failed = [Failed::new(&recipient, Status::new([5, 7, 10], cause))];
//! let reporter = Reporter::new("sender.example".parse()?).in_language(Language::German);
//! let Outcome::Mail(notice) = reporter.bounce(&stopped, &failed, now)? else { panic!() };
//! assert_eq!(notice.to, sender);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fields;
mod parameters;
mod recipient;
mod text;
mod words;

use sealpost_mail::{Address, Composed, Domain, FieldWriter, Fields, Machine, Report, Returned};
use sealpost_time::Time;

pub use self::{
    parameters::{EnvelopeId, Notify, OriginalRecipient, Ret},
    recipient::{Failed, Once},
};
use crate::{Result, explain::Language};

/// The subject of every bounce, in every language: mail programs and people's rules know it.
pub const SUBJECT: &str = "Undelivered Mail Returned to Sender";

/// Octets of a mail that are given back. Of a longer one the header is.
const LIMIT: usize = 50_000;

/// A mail that was stopped for some of its recipients.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "what every queue knows about a mail")]
pub struct Stopped<'a> {
    /// All of it, or its header alone.
    pub mail: &'a [u8],
    /// Its sender; `None` for the null reverse-path.
    pub sender: Option<&'a Address>,
    /// The server's own name for it.
    pub queue_id: &'a str,
    /// When it came.
    pub arrival: Time,
    /// ENVID, if it was given.
    pub envelope_id: Option<&'a EnvelopeId>,
    /// RET, if it was given.
    pub ret: Option<Ret>,
}

/// Who writes bounces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reporter {
    host: Domain,
    language: Language,
    limit: usize,
}

/// What becomes of a bounce.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It is to be sent.
    Mail(Notice),
    /// There is none.
    None(WhyNone),
}

/// A bounce that is to be sent, with the null reverse-path as its sender (RFC 3464 §2, RFC 5321 §6.1). For the engine
/// it is a [`MessageOrigin::Dsn`](crate::MessageOrigin::Dsn).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notice {
    /// Its only recipient: the sender of the mail that was stopped.
    pub to: Address,
    /// The mail.
    pub mail: Composed,
}

/// Why there is no bounce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhyNone {
    /// The mail has no sender who could be told (RFC 5321 §6.1: never bounce a bounce).
    NullSender,
    /// The sender does not want to hear of any of these recipients (RFC 3461 §4.1), or there are none.
    NotWanted,
}

impl Reporter {
    /// The mail server `host`, which writes English.
    #[must_use]
    pub const fn new(host: Domain) -> Self {
        Self { host, language: Language::English, limit: LIMIT }
    }

    /// The same, in another language.
    #[must_use]
    pub fn in_language(self, language: Language) -> Self {
        Self { language, ..self }
    }

    /// The same, which gives back so many octets at most: of a longer mail its header, and of that as many fields as fit.
    #[must_use]
    pub fn limited_to(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Writes the bounce for the recipients of a mail that were stopped together. The same input gives the same octets.
    ///
    /// # Errors
    ///
    /// [`Error::Unwritable`](crate::Error::Unwritable), which no input is known to lead to.
    pub fn bounce(&self, stopped: &Stopped<'_>, failed: &[Failed<'_>], now: Time) -> Result<Outcome> {
        let Some(sender) = stopped.sender else { return Ok(Outcome::None(WhyNone::NullSender)) };
        let failed: Vec<_> = failed.iter().filter(|failed| failed.wants_to_know()).collect();
        if failed.is_empty() {
            return Ok(Outcome::None(WhyNone::NotWanted));
        }
        let header = self.header(stopped, sender, now)?;
        let text = text::text(self, &failed);
        let global = !sender.is_ascii() || failed.iter().any(|failed| !failed.is_ascii());
        let media_type = if global { "message/global-delivery-status" } else { "message/delivery-status" };
        let fields = fields::fields(self, stopped, &failed)?;
        let machine = Machine::new(media_type, fields.octets());
        let report = Report::new("delivery-status", header, &text, machine).in_language(self.language.tag());

        let seed = format!("{}x{}", stopped.queue_id, now.unix());
        let head_only = stopped.ret == Some(Ret::Hdrs)
            || stopped.mail.len() > self.limit
            || failed.iter().any(|failed| failed.is_header_only());
        let whole = if head_only { None } else { Some(Returned::Mail(stopped.mail)) };
        let whole = whole.and_then(|whole| report.clone().returning(whole).compose(&seed).ok());
        let mail = match whole {
            Some(mail) => mail,
            // Also for what no report could carry as it is.
            None => report.returning(Returned::Header(head(stopped.mail, self.limit))).compose(&seed)?,
        };
        Ok(Outcome::Mail(Notice { to: sender.clone(), mail }))
    }

    fn header(&self, stopped: &Stopped<'_>, sender: &Address, now: Time) -> Result<FieldWriter> {
        let host = sealpost_mail::Host::Domain(self.host.clone());
        let from = Address::new("MAILER-DAEMON", host)?;
        let id: String = stopped.queue_id.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
        let mut header = FieldWriter::new();
        header.structured("Date", &now.rfc5322())?;
        header.mailbox("From", "Mail Delivery System", &from)?;
        header.mailbox("To", "", sender)?;
        header.unstructured("Subject", SUBJECT)?;
        header.structured("Message-ID", &format!("<{}.{id}.bounce@{}>", now.unix(), self.host))?;
        // An answer to the mail that was stopped (RFC 3834 §5.2).
        header.structured("Auto-Submitted", "auto-replied")?;
        Ok(header)
    }
}

/// As many fields of a mail's header as fit.
fn head(mail: &[u8], limit: usize) -> &[u8] {
    let mut fields = Fields::of(mail);
    let mut len = 0;
    while fields.next().is_some() {
        let end = mail.len() - fields.rest().len();
        if end > limit {
            break;
        }
        len = end;
    }
    mail.get(..len).unwrap_or_default()
}

#[cfg(test)]
mod tests;
