//! The mail that carries a report (RFC 8460 §5.3), and its file (§5.1).

use sealpost_mail::{Address, Composed, Domain, FieldWriter, Machine};
use sealpost_time::{Span, Time};

use super::{DateRange, Report};
use crate::{Error, Result};

/// Within this time after midnight reports are sent, each at a random one (RFC 8460 §4.1).
pub const DELAY: Span = Span::hours(4);
/// For so long it is tried to send a report (RFC 8460 §5.4).
pub const RETRY: Span = Span::hours(24);

/// Who reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reporter {
    organization: String,
    contact: Address,
    submitter: Domain,
    unique: String,
}

impl Reporter {
    /// An organisation, the mailbox from which it reports and at which it may be asked, and what tells its servers
    /// apart: up to 40 letters, digits and hyphens.
    ///
    /// # Errors
    ///
    /// If the mailbox is not at a domain, or a text has characters that it may not have.
    pub fn new(organization: &str, contact: Address, unique: &str) -> Result<Self> {
        let error = |problem: &str| Error::Report { problem: problem.to_owned() };
        let submitter = contact.domain().cloned().ok_or_else(|| error("the reporter's mailbox is not at a domain"))?;
        if organization.is_empty() || organization.chars().any(char::is_control) {
            return Err(error("the organisation's name is empty, or has a control character"));
        }
        let good = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
        if !(1..=40).contains(&unique.len()) || !unique.bytes().all(good) {
            return Err(error("what tells servers apart is not of 1 to 40 letters, digits and hyphens"));
        }
        Ok(Self { organization: organization.to_owned(), contact, submitter, unique: unique.to_owned() })
    }

    /// Its name.
    #[must_use]
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// Its mailbox.
    #[must_use]
    pub const fn contact(&self) -> &Address {
        &self.contact
    }

    /// What tells the report of a day and a domain apart from all others of this reporter.
    pub(super) fn report_id(&self, day: Time, domain: &Domain) -> String {
        let [year, month, day, ..] = day.civil();
        format!("{year:04}-{month:02}-{day:02}.{domain}.{}", self.unique)
    }
}

/// The report about a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Addressed {
    /// The domain, whose TXT record says whither the report goes.
    pub domain: Domain,
    /// The report.
    pub report: Report,
}

impl Addressed {
    /// The name of its file (§5.1), which it has in a mail.
    #[must_use]
    pub fn file_name(&self, reporter: &Reporter) -> String {
        let DateRange { start_datetime: begin, end_datetime: end } = self.report.date_range;
        let Reporter { submitter, unique, .. } = reporter;
        format!("{submitter}!{}!{}!{}!{unique}.json.gz", self.domain, begin.unix(), end.unix())
    }

    /// The mail that carries it `to` a mailbox that the domain's record names.
    ///
    /// The server signs it with DKIM, without `l=` (§3). It asks with `TLS-Required: No` (RFC 8689 §5) for delivery
    /// without TLS where there is no other: the report may be about just that. Its sessions are not to be counted.
    ///
    /// # Errors
    ///
    /// If a part of it can't be written.
    pub fn mail(&self, reporter: &Reporter, to: &Address, date: Time) -> Result<Composed> {
        let Reporter { organization, contact, submitter, .. } = reporter;
        let Self { domain, report } = self;
        let id = format!("{}@{submitter}", report.report_id);
        let mut header = FieldWriter::new();
        header.mailbox("From", organization, contact)?;
        header.mailbox("To", "", to)?;
        header.structured("Date", &date.rfc5322())?;
        header.structured("Message-ID", &format!("<{id}>"))?;
        header.structured("Subject", &format!("Report Domain: {domain} Submitter: {submitter} Report-ID: <{id}>"))?;
        header.structured("TLS-Report-Domain", domain.as_str())?;
        header.structured("TLS-Report-Submitter", submitter.as_str())?;
        header.structured("TLS-Required", "No")?;
        header.structured("Auto-Submitted", "auto-generated")?;
        let (begin, end) = (report.date_range.start_datetime, report.date_range.end_datetime);
        let text = format!(
            "{organization} reports how its connections by SMTP to the hosts of\r\n{domain} were secured, \
             from {begin} to {end}\r\n(RFC 8460). The attached file is for programs.\r\n"
        );
        let (gzip, name) = (report.gzip()?, self.file_name(reporter));
        let machine = Machine::new("application/tlsrpt+gzip", &gzip).named(&name);
        Ok(sealpost_mail::Report::new("tlsrpt", header, &text, machine).compose(&report.report_id)?)
    }
}
