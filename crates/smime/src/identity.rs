//! Whether a mail comes from whom a certificate is for (RFC 8550 §3, RFC 9598 §5).

use std::fmt;

use crate::mime::{address::Mailbox, header::Header};

/// What comparing a mail's sender with a certificate's addresses gave.
///
/// Display names count for nothing, and neither do fields such as Reply-To.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Identity {
    /// The address in From is one of the certificate's.
    From {
        /// It.
        address: String,
    },
    /// The address in From is one of the certificate's, but its display name shows another address.
    Misleading {
        /// The address in From.
        address: String,
        /// The display name.
        name: String,
    },
    /// The address in Sender is one of the certificate's; that in From is not.
    SenderOnly {
        /// The address in From.
        from: String,
        /// The address in Sender.
        sender: String,
    },
    /// The address in From is none of the certificate's.
    Mismatch {
        /// It.
        from: String,
    },
    /// The certificate has no address (RFC 8550 §3: such a certificate is good, but names no sender).
    NoAddress {
        /// The address in From.
        from: String,
    },
    /// There is no field From, or an empty one.
    NoFrom,
    /// There are several fields From, or several addresses in it: which one a reader is shown is not known.
    AmbiguousFrom {
        /// How many addresses there are.
        addresses: usize,
    },
    /// From can't be read without doubt.
    UnreadableFrom {
        /// Why not.
        what: &'static str,
    },
}

impl Identity {
    /// Compares the sender with the certificate's addresses: those of its rfc822Name, SmtpUTF8Mailbox and emailAddress.
    ///
    /// Local parts and domains are compared without regard to case, a domain in Unicode also with its form for the
    /// DNS. Unicode is not normalized (NFC) before: it comes so, or else it is another address.
    pub(crate) fn of(header: &Header, addresses: &[String]) -> Self {
        if header.is_broken() {
            return Self::UnreadableFrom { what: "programs may see other fields in the header" };
        }
        let mailbox = match sender(header, "from") {
            Ok(mailbox) => mailbox,
            Err(finding) => return finding,
        };
        let from = mailbox.address();
        if addresses.is_empty() {
            return Self::NoAddress { from };
        }
        let known = |address: &str| addresses.iter().any(|other| same_address(address, other));
        if known(&from) {
            return if shows_another(&mailbox) {
                Self::Misleading { address: from, name: mailbox.shown() }
            } else {
                Self::From { address: from }
            };
        }
        match sender(header, "sender").map(|mailbox| mailbox.address()) {
            Ok(sender) if known(&sender) => Self::SenderOnly { from, sender },
            _ => Self::Mismatch { from },
        }
    }

    /// Whether the mail comes from whom the certificate is for.
    #[must_use]
    pub fn is_match(&self) -> bool {
        matches!(self, Self::From { .. })
    }

    /// A word for it, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::From { .. } => "from",
            Self::Misleading { .. } => "misleading-name",
            Self::SenderOnly { .. } => "sender-only",
            Self::Mismatch { .. } => "mismatch",
            Self::NoAddress { .. } => "no-address",
            Self::NoFrom => "no-from",
            Self::AmbiguousFrom { .. } => "ambiguous-from",
            Self::UnreadableFrom { .. } => "unreadable-from",
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From { address } => write!(f, "the certificate is for {address}"),
            Self::Misleading { address, name } => {
                write!(f, "the certificate is for {address}, but the name shown is {name:?}")
            }
            Self::SenderOnly { from, sender } => {
                write!(f, "the certificate is for {sender}, the sender, and not for {from}")
            }
            Self::Mismatch { from } => write!(f, "the certificate is not for {from}"),
            Self::NoAddress { from } => write!(f, "the certificate has no address, and From is {from}"),
            Self::NoFrom => f.write_str("there is no From"),
            Self::AmbiguousFrom { addresses } => {
                write!(f, "there is not one From with one address: addresses: {addresses}")
            }
            Self::UnreadableFrom { what } => write!(f, "From can't be read: {what}"),
        }
    }
}

/// The one mailbox in the one field of this name.
fn sender(header: &Header, name: &str) -> Result<Mailbox, Identity> {
    let mut all = Vec::new();
    for field in header.all(name) {
        // It does not matter how many more there are.
        if all.len() > 1 {
            break;
        }
        all.extend(Mailbox::list(&field.unfolded()).map_err(|what| Identity::UnreadableFrom { what })?);
    }
    let (addresses, fields) = (all.len(), header.all(name).count());
    match (all.pop(), addresses) {
        (Some(mailbox), 1) if fields == 1 => Ok(mailbox),
        (None, _) => Err(Identity::NoFrom),
        _ => Err(Identity::AmbiguousFrom { addresses }),
    }
}

/// Whether two addresses are the same.
pub(crate) fn same_address(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((local, domain)), Some((other_local, other_domain))) => {
            local.to_lowercase() == other_local.to_lowercase() && same_domain(domain, other_domain)
        }
        _ => false,
    }
}

fn same_domain(one: &str, other: &str) -> bool {
    let labels = |domain: &str| domain.to_lowercase().split('.').map(ascii_label).collect::<Vec<_>>();
    labels(one) == labels(other)
}

/// Whether the display name has an address in it that is not the mailbox's, by the standard or for programs that
/// decode more than that asks for.
fn shows_another(mailbox: &Mailbox) -> bool {
    let address = mailbox.address();
    let separates = |c: char| c.is_whitespace() || "<>()[]\"',;:".contains(c);
    // Two characters look like an @.
    let names = [&mailbox.name, &mailbox.encoded].map(|name| name.replace(['\u{ff20}', '\u{fe6b}'], "@"));
    names.iter().flat_map(|name| name.split(separates)).any(|word| {
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation() && c != '@');
        // What people read as one: `x@` and `@y.z` too, with the rest behind a blank; not a lone @, nor a nickname.
        let is_one = word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() || domain.contains('.'));
        is_one && !same_address(word, &address)
    })
}

/// Longer labels have no form for the DNS (RFC 5890 §2.3.1).
const MAX_LABEL: usize = 63;

/// The form of a label for the DNS (RFC 5890 §2.3.2.1, RFC 3492).
fn ascii_label(label: &str) -> String {
    if label.is_ascii() || label.chars().nth(MAX_LABEL).is_some() {
        label.to_owned()
    } else {
        format!("xn--{}", punycode(label))
    }
}

/// Punycode (RFC 3492 §6.3).
fn punycode(label: &str) -> String {
    let mut text: String = label.chars().filter(char::is_ascii).collect();
    let (basic, all) = (text.chars().count(), label.chars().count());
    if basic > 0 {
        text.push('-');
    }
    let (mut n, mut delta, mut bias, mut handled) = (128_u32, 0_u32, 72_u32, basic);
    while handled < all {
        let Some(next) = label.chars().map(u32::from).filter(|c| *c >= n).min() else { break };
        delta = delta.saturating_add((next - n).saturating_mul(number(handled + 1)));
        n = next;
        for c in label.chars().map(u32::from) {
            if c < n {
                delta = delta.saturating_add(1);
            }
            if c == n {
                variable_length(delta, bias, &mut text);
                bias = adapt(delta, number(handled + 1), handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.saturating_add(1);
        n += 1;
    }
    text
}

fn number(count: usize) -> u32 {
    count.try_into().unwrap_or(u32::MAX)
}

/// An integer of variable length (RFC 3492 §3.3).
fn variable_length(mut value: u32, bias: u32, text: &mut String) {
    let mut k = 36;
    loop {
        let threshold = if k <= bias { 1 } else { (k - bias).min(26) };
        if value < threshold {
            text.extend(char::from_digit(value, 36).map(digit));
            return;
        }
        let rest = value - threshold;
        text.extend(char::from_digit(threshold + rest % (36 - threshold), 36).map(digit));
        value = rest / (36 - threshold);
        k += 36;
    }
}

/// Punycode counts letters first, then figures.
fn digit(base36: char) -> char {
    let value = base36.to_digit(36).unwrap_or_default();
    if value < 26 {
        char::from_digit(value + 10, 36).unwrap_or('a')
    } else {
        char::from_digit(value - 26, 10).unwrap_or('0')
    }
}

/// The bias for the next integer (RFC 3492 §3.4, §6.1).
fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, mime::testing::mails};

    fn judged(mail: &[u8], addresses: &[&str]) -> String {
        let header = Header::read_from(mail, &Limits::default()).unwrap();
        let addresses: Vec<_> = addresses.iter().map(|address| (*address).to_owned()).collect();
        Identity::of(&header, &addresses).code().to_owned()
    }

    #[test]
    fn only_the_address_counts() {
        let cases = [
            ("From: a@b.c", "from"),
            ("from: A <A@B.C>", "from"),
            ("From:\r\n a@b.c\r\n (x)", "from"),
            ("From: a@b.c <a@b.c>", "from"),
            ("From: \"a@b.c\" <x@y.z>", "mismatch"),
            ("From: x@y.z <a@b.c>", "misleading-name"),
            ("From: =?utf-8?q?x=40y.z?= <a@b.c>", "misleading-name"),
            ("From: =?utf-8?q?x=EF=BC=A0y.z?= <a@b.c>", "misleading-name"),
            ("From: \"'x@y.z' via A\" <a@b.c>", "misleading-name"),
            ("From: a@b.c (x@y.z)", "misleading-name"),
            ("From: x@ y.z <a@b.c>", "misleading-name"),
            ("From: x @y.z <a@b.c>", "misleading-name"),
            ("From: A @ B <a@b.c>", "from"),
            ("From: \"@a\" <a@b.c>", "from"),
            ("From: \"=?utf-8?q?x=40y.z?=\" <a@b.c>", "misleading-name"),
            ("From: X=?utf-8?Q?=20x=40y.z?= <a@b.c>", "misleading-name"),
            ("From: \"=?utf-8?q?x?==?utf-8?b?QHkueg==?=\" <a@b.c>", "misleading-name"),
            ("From: =?utf-16?b?AHgAQAB5AC4Aeg==?= <a@b.c>", "misleading-name"),
            ("From: =?utf-8?q?a=40b.c?= <a@b.c>", "from"),
            ("From: =?utf-8?q?X?= =?utf-8?q?Y_=F0=9F=91=A9=E2=80=8D=F0=9F=92=BB?= =?x <a@b.c>", "from"),
            ("From: =?utf-8?q?x=40y.z?=@b.c", "unreadable-from"),
            ("From: X <=?utf-8?q?x=40y.z?=@b.c>", "unreadable-from"),
            ("From: a@\u{200b}b.c", "unreadable-from"),
            ("From: \u{202e}a@b.c", "unreadable-from"),
            ("From: x@y.z\r\nSender: a@b.c", "sender-only"),
            ("From: x@y.z\r\nReply-To: a@b.c\r\nReturn-Path: <a@b.c>", "mismatch"),
            ("From: x@y.z\r\nSender: a@b.c\r\nSender: x@y.z", "mismatch"),
            ("From: a@b.c, x@y.z", "ambiguous-from"),
            ("From: a@b.c\r\nFrom: x@y.z", "ambiguous-from"),
            ("From: a@b.c\r\nFrom: a@b.c", "ambiguous-from"),
            ("From: a@b.c\r\nFrom:", "ambiguous-from"),
            ("From: g:a@b.c;", "unreadable-from"),
            ("From: a@b.c\0.d", "unreadable-from"),
            ("Subject: x\rFrom: x@y.z\r\nFrom: a@b.c", "unreadable-from"),
            ("From: a@b.c\r\nno field\r\nFrom: x@y.z", "unreadable-from"),
            ("From: ", "no-from"),
            ("To: a@b.c", "no-from"),
        ];
        for (header, code) in cases {
            assert_eq!(judged(header.as_bytes(), &["x@b.c", "a@b.c"]), code, "{header}");
            let none = if ["from", "misleading-name", "sender-only", "mismatch"].contains(&code) {
                "no-address"
            } else {
                code
            };
            assert_eq!(judged(header.as_bytes(), &[]), none, "{header}");
        }
    }

    #[test]
    fn domains_are_compared_in_both_forms() {
        let same = [
            ("a@müller.de", "A@xn--mller-kva.de"),
            ("a@MÜLLER.de", "a@XN--mller-kva.DE"),
            ("a@他们为什么不说中文.x", "a@xn--ihqwcrb4cv8a8dqg056pqjye.x"),
            ("a@pročprostěnemluvíčesky", "a@xn--proprostnemluvesky-uyb24dma41a"),
            ("a@3年b組金八先生", "a@xn--3b-ww4c5e180e575a65lsy2b"),
        ];
        for (one, other) in same {
            assert!(same_address(one, other) && same_address(other, one), "{one}");
        }
        for (one, other) in [("a@b.c", "a@b.c\0"), ("a@b.c", "a@b.c.d"), ("a", "a"), ("a@muller.de", "a@müller.de")] {
            assert!(!same_address(one, other), "{one}");
        }
    }

    #[test]
    fn the_tricks_of_johnny_do_not_work() {
        let mut judged_mails = 0;
        for (name, mail) in mails("johnny/04-id") {
            let code = judged(&mail, &["eve@bigcorporation.de"]);
            let expected = match name.trim_end_matches("-smime.eml") {
                // The name is another one's, but no address: that is beyond what can be seen.
                "i2-from-contains-signer" | "i3-from-signer-others-sender" => "from",
                "i2-from-is-sender-signer-a" | "i2-from-is-sender-signer-b" => "misleading-name",
                "i2-from-is-signer-sender-a" | "i2-from-is-signer-sender-b" | "i1-from-unequals-signer" => "mismatch",
                "i2-from-is-only-a-name" => "unreadable-from",
                "i2-from-is-empty" | "i2-from-is-nonexistent" => "no-from",
                "i3-from-sender-others-signer" => "sender-only",
                _ => "ambiguous-from",
            };
            assert_eq!(code, expected, "{name}");
            judged_mails += 1;
        }
        assert!(judged_mails == 15 || judged_mails == 0, "{judged_mails}");
    }
}
