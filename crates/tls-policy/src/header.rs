//! What a mail's own header says about how it is to be sent: TLS-Required (RFC 8689 §5) and Auto-Submitted
//! (RFC 3834 §5).
//!
//! Anybody can write both. TLS-Required sets the recipient's policies aside and nothing of the sender's side.
//! Auto-Submitted proves nothing at all (RFC 3834 §5.2 lets people set it): whether a mail is an answer by the server is
//! [`MessageOrigin`](crate::MessageOrigin), which the server knows.

use sealpost_mail::{Field, Fields, Parameterized};

use crate::{message::Guarantee, verdict::Status};

/// What the fields say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Said {
    /// TLS-Required.
    pub tls_required: TlsRequired,
    /// Auto-Submitted; `None` if there is no such field.
    pub auto_submitted: Option<AutoSubmitted>,
}

/// What TLS-Required says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsRequired {
    /// There is no such field.
    #[default]
    Absent,
    /// `No`, once: deliver even if the recipient's policies of TLS fail.
    No,
    /// There is such a field, and it counts for nothing.
    Ignored(Ignored),
}

/// Why a field counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ignored {
    /// It is there several times (RFC 8689 §4.1: at most once).
    #[error("there are several fields TLS-Required")]
    Several,
    /// Its value is another than `No`, which is the only one there is.
    #[error("TLS-Required has another value than No")]
    OtherValue,
}

/// What Auto-Submitted says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AutoSubmitted {
    /// `no`: a person did.
    No,
    /// `auto-generated`: a program did by itself.
    Generated,
    /// `auto-replied`: a program did, as an answer to another mail.
    Replied,
    /// Another keyword, in lower case: a program did.
    Extension(String),
    /// There are several fields, or it can't be read (RFC 3834 §5: at most one).
    Unreadable,
}

impl AutoSubmitted {
    /// Whether a program that answers mails by itself must not answer this one (RFC 3834 §2).
    #[must_use]
    pub const fn is_automatic(&self) -> bool {
        !matches!(self, Self::No)
    }
}

/// What TLS-Required comes to, beside what else holds for the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Nothing.
    None,
    /// The recipient's policies are set aside.
    Honoured,
    /// Nothing, for the envelope asks for REQUIRETLS (RFC 8689 §4.1).
    BesideRequireTls,
    /// The recipient's policies are set aside, and the sender's guarantee stays: most likely not what was meant. A server
    /// may refuse the mail with this status when it is submitted.
    BesideGuarantee(Status),
    /// The field counts for nothing.
    Ignored(Ignored),
}

impl TlsRequired {
    /// Whether it counts: the value of [`Message::tls_required_no`](crate::Message::tls_required_no).
    #[must_use]
    pub const fn is_no(self) -> bool {
        matches!(self, Self::No)
    }

    /// What it comes to in a mail of a sender with that guarantee, whose envelope asks for REQUIRETLS or does not.
    #[must_use]
    pub fn beside(self, guarantee: Guarantee, requiretls: bool) -> Standing {
        match self {
            Self::Absent => Standing::None,
            Self::Ignored(why) => Standing::Ignored(why),
            Self::No if requiretls => Standing::BesideRequireTls,
            Self::No if guarantee == Guarantee::Off => Standing::Honoured,
            Self::No => {
                let text = "TLS-Required: No does not set your TLS sending guarantee aside: switch it off first";
                Standing::BesideGuarantee(Status::new([5, 7, 0], text))
            }
        }
    }
}

impl Said {
    /// Reads the header that `mail` begins with.
    #[must_use]
    pub fn read(mail: &[u8]) -> Self {
        let mut said = Self::default();
        for field in Fields::of(mail) {
            if field.is_named("TLS-Required") {
                said.tls_required = match said.tls_required {
                    TlsRequired::Absent => tls_required(&field),
                    _ => TlsRequired::Ignored(Ignored::Several),
                };
            } else if field.is_named("Auto-Submitted") {
                said.auto_submitted = match said.auto_submitted {
                    None => Some(auto_submitted(&field)),
                    Some(_) => Some(AutoSubmitted::Unreadable),
                };
            }
        }
        said
    }
}

fn tls_required(field: &Field<'_>) -> TlsRequired {
    if field.uncommented().eq_ignore_ascii_case(b"no") {
        TlsRequired::No
    } else {
        TlsRequired::Ignored(Ignored::OtherValue)
    }
}

fn auto_submitted(field: &Field<'_>) -> AutoSubmitted {
    let text = field.uncommented();
    // Parameters say more about it, and change nothing.
    let keyword = text.split(|c| *c == b';').next().unwrap_or_default().trim_ascii();
    let read = Parameterized::read(&text);
    // What the other reader made of it, without blanks, must be the same.
    let is_token = !keyword.is_empty() && keyword.eq_ignore_ascii_case(read.value().as_bytes());
    match read.value() {
        _ if !is_token || !read.value().bytes().all(is_token_character) => AutoSubmitted::Unreadable,
        "no" => AutoSubmitted::No,
        "auto-generated" => AutoSubmitted::Generated,
        "auto-replied" => AutoSubmitted::Replied,
        other => AutoSubmitted::Extension(other.to_owned()),
    }
}

/// RFC 2045 §5.1.
fn is_token_character(c: u8) -> bool {
    c.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tls_required_counts_once_and_as_no() {
        const OTHER: TlsRequired = TlsRequired::Ignored(Ignored::OtherValue);
        const SEVERAL: TlsRequired = TlsRequired::Ignored(Ignored::Several);
        for (header, said) in [
            ("TLS-Required: No\r\n", TlsRequired::No),
            ("tls-required:NO\r\n", TlsRequired::No),
            ("TLS-Required: (really) No\r\n (yes)\r\n", TlsRequired::No),
            ("Subject: x\n\tTLS-Required: No\n", TlsRequired::Absent),
            ("Subject: x\r\n\r\nTLS-Required: No\r\n", TlsRequired::Absent),
            ("X-TLS-Required: No\r\n", TlsRequired::Absent),
            ("TLS-Required: Yes\r\n", OTHER),
            ("TLS-Required:\r\n", OTHER),
            ("TLS-Required: N o\r\n", OTHER),
            ("TLS-Required: \"No\"\r\n", OTHER),
            ("TLS-Required: No; x=y\r\n", OTHER),
            ("TLS-Required: No\r\nTLS-Required: No\r\n", SEVERAL),
            ("TLS-Required: Yes\r\nA: b\r\ntls-required: No\r\nTLS-Required: No\r\n", SEVERAL),
        ] {
            assert_eq!(Said::read(header.as_bytes()).tls_required, said, "{header}");
        }
    }

    #[test]
    fn tls_required_stands_behind_what_the_sender_asks_for() {
        assert_eq!(TlsRequired::No.beside(Guarantee::Off, false), Standing::Honoured);
        assert_eq!(TlsRequired::No.beside(Guarantee::Off, true), Standing::BesideRequireTls);
        assert!(matches!(TlsRequired::No.beside(Guarantee::On, false), Standing::BesideGuarantee(status)
            if status.code == [5, 7, 0]));
        assert_eq!(TlsRequired::Absent.beside(Guarantee::On, true), Standing::None);
        let ignored = TlsRequired::Ignored(Ignored::Several);
        assert_eq!(ignored.beside(Guarantee::Off, false), Standing::Ignored(Ignored::Several));
        assert!(TlsRequired::No.is_no() && !ignored.is_no());
    }

    #[test]
    fn auto_submitted_is_a_keyword() {
        for (value, said) in [
            ("no", AutoSubmitted::No),
            (" No (not at all)", AutoSubmitted::No),
            ("auto-generated", AutoSubmitted::Generated),
            ("\r\n Auto-Replied (vacation) ; owner-email=\"a@b\"", AutoSubmitted::Replied),
            ("auto-notified; x", AutoSubmitted::Extension("auto-notified".to_owned())),
            ("", AutoSubmitted::Unreadable),
            ("; auto-replied", AutoSubmitted::Unreadable),
            ("auto replied", AutoSubmitted::Unreadable),
            ("\"no\"", AutoSubmitted::Unreadable),
            ("no, no", AutoSubmitted::Unreadable),
            ("nö", AutoSubmitted::Unreadable),
        ] {
            let header = format!("A: b\r\nAuto-Submitted:{value}\r\n");
            assert_eq!(Said::read(header.as_bytes()).auto_submitted, Some(said), "{value}");
        }
        let several = "Auto-Submitted: no\r\nAuto-Submitted: no\r\n";
        assert_eq!(Said::read(several.as_bytes()).auto_submitted, Some(AutoSubmitted::Unreadable));
        assert_eq!(Said::read(b"").auto_submitted, None);
    }

    proptest! {
        /// Whatever a header holds: only one field that says `No` counts, and only "no" is a person's.
        #[test]
        fn any_header_is_read(
            header in "(TLS-Required:|Auto-Submitted:|No|no|auto-replied|[ -~]{0,5}|\r\n|\n|\r| |\\(|\\)|;|ä|\0){0,20}",
        ) {
            let said = Said::read(header.as_bytes());
            if said.tls_required == TlsRequired::No {
                prop_assert!(Fields::of(header.as_bytes()).filter(|field| field.is_named("TLS-Required")).count() == 1);
            }
            if said.auto_submitted.as_ref().is_some_and(|said| !said.is_automatic()) {
                prop_assert!(header.to_ascii_lowercase().contains("no"));
            }
        }
    }
}
