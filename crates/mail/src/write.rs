//! Fields of a header, written ([RFC 5322 §2.2](https://www.rfc-editor.org/rfc/rfc5322#section-2.2),
//! [RFC 2047](https://www.rfc-editor.org/rfc/rfc2047), [RFC 6532](https://www.rfc-editor.org/rfc/rfc6532)).

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use crate::{Address, encode::encoded_words};

/// Characters that a line should have at most (RFC 5322 §2.1.1), and those with encoded words must (RFC 2047 §2).
const LINE: usize = 78;
const ENCODED_LINE: usize = 76;
/// Octets that a line must have at most.
const MAX_LINE: usize = 998;
/// Octets of a name: so that in its line there is room for an encoded word.
const MAX_NAME: usize = 40;

/// A field, or another part of a mail, that can't be written as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
#[non_exhaustive]
pub struct Unwritable {
    /// Which.
    pub field: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Unwritable {
    pub(crate) fn new(field: &str, problem: &'static str) -> Self {
        Self { field: field.escape_debug().collect(), problem }
    }
}

/// Writes fields of a header, folded. No value can end its field: one with a control character is refused.
#[derive(Clone, Debug, Default)]
pub struct FieldWriter(Vec<u8>);

impl FieldWriter {
    /// No fields yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was written: lines that end with CRLF.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is of ASCII alone: other headers need SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.0.is_ascii()
    }

    /// Writes a field whose value has a syntax of its own, as it is; what is not ASCII also (RFC 6532 §3.2).
    ///
    /// # Errors
    ///
    /// [`Unwritable`] if the name is none, or if the value is blank, has control characters, or a word of it has no
    /// room in a line of 998 octets.
    pub fn structured(&mut self, name: &str, value: &str) -> Result<(), Unwritable> {
        check(name, value)?;
        let value = value.trim_matches(' ');
        if value.is_empty() {
            return Err(Unwritable::new(name, "it says nothing"));
        }
        let words = words(value);
        if words.iter().any(|word| name.len() + 2 + word.len() > MAX_LINE) {
            return Err(Unwritable::new(name, "a word of it is longer than a line may be"));
        }
        self.fold(name, &words, LINE);
        Ok(())
    }

    /// Writes a field that is text for people, such as Subject: in encoded words if it is not ASCII.
    ///
    /// # Errors
    ///
    /// [`Unwritable`] if the name is none, or if the text has control characters.
    pub fn unstructured(&mut self, name: &str, text: &str) -> Result<(), Unwritable> {
        check(name, text)?;
        let plain = text.is_ascii()
            && !text.contains("=?")
            && text.trim_matches(' ') == text
            && text.split(' ').all(|word| name.len() + 2 + word.len() <= MAX_LINE);
        if plain {
            self.fold(name, &words(text), LINE);
        } else {
            self.fold(name, &encoded(name, text), ENCODED_LINE);
        }
        Ok(())
    }

    /// Writes a field of one mailbox with the name `shown` of its owner, which may be empty.
    ///
    /// # Errors
    ///
    /// [`Unwritable`] if the name of the field is none, or if the owner's has control characters.
    pub fn mailbox(&mut self, name: &str, shown: &str, address: &Address) -> Result<(), Unwritable> {
        check(name, shown)?;
        let is_atom = |word: &str| word.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_'".contains(&c));
        let mut pieces = if shown.len() > MAX_LINE / 4 || !shown.is_ascii() || shown.contains("=?") {
            encoded(name, shown)
        } else if shown.split(' ').all(|word| !word.is_empty() && is_atom(word)) || shown.is_empty() {
            words(shown)
        } else {
            words(&format!("\"{}\"", shown.replace('\\', "\\\\").replace('"', "\\\"")))
        };
        pieces.extend(words(&format!("<{address}>")));
        self.fold(name, &pieces, ENCODED_LINE);
        Ok(())
    }

    /// Ends a group of fields with an empty line, as a delivery report has them (RFC 3464 §2.1).
    pub fn end_group(&mut self) {
        self.0.extend_from_slice(b"\r\n");
    }

    /// Writes words, each of which begins with its blanks, with line ends in front of some.
    fn fold(&mut self, name: &str, words: &[String], line: usize) {
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b':');
        let mut column = name.len() + 1;
        for word in words {
            // Of characters, not octets, says RFC 6532 §3.4; there are never more characters than octets.
            if column + word.len() > line && (column > name.len() + 1 || word.len() <= line) {
                self.0.extend_from_slice(b"\r\n");
                column = 0;
            }
            self.0.extend_from_slice(word.as_bytes());
            column += word.len();
        }
        self.0.extend_from_slice(b"\r\n");
    }
}

fn check(name: &str, value: &str) -> Result<(), Unwritable> {
    let good = !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(|c| c.is_ascii_graphic() && c != b':');
    if !good {
        return Err(Unwritable::new(name, "it is no name of a field"));
    }
    if value.chars().any(char::is_control) {
        return Err(Unwritable::new(name, "there is a control character in it"));
    }
    Ok(())
}

/// The words of a text, each with the blanks in front of it, at least one; none is of blanks alone.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::from(" "));
    for piece in text.split_inclusive(' ') {
        let (piece, blank) = piece.strip_suffix(' ').map_or((piece, ""), |piece| (piece, " "));
        word.push_str(piece);
        if !piece.is_empty() {
            words.push(core::mem::take(&mut word));
        }
        word.push_str(blank);
    }
    words
}

fn encoded(name: &str, text: &str) -> Vec<String> {
    let room = ENCODED_LINE.saturating_sub(name.len() + 2);
    encoded_words(text, room).iter().map(|word| " ".to_owned() + word).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Fields;

    fn one(write: impl FnOnce(&mut FieldWriter) -> Result<(), Unwritable>) -> Result<String, Unwritable> {
        let mut writer = FieldWriter::new();
        write(&mut writer)?;
        Ok(String::from_utf8(writer.0).unwrap())
    }

    #[test]
    fn fields_are_folded_at_blanks() {
        let value = "X-Sealpost; TLS is required, but was not offered by host mx.plain.example[127.0.0.3]";
        let written = one(|to| to.structured("Diagnostic-Code", value)).unwrap();
        let lines = "Diagnostic-Code: X-Sealpost; TLS is required, but was not offered by host\r\n \
            mx.plain.example[127.0.0.3]\r\n";
        assert_eq!(written, lines);
        let from = "MAILER-DAEMON@mail.example.org".parse().unwrap();
        for (shown, line) in [
            ("Mail Delivery System", "From: Mail Delivery System <MAILER-DAEMON@mail.example.org>\r\n"),
            ("", "From: <MAILER-DAEMON@mail.example.org>\r\n"),
            ("A \"b\" <c@d>,", "From: \"A \\\"b\\\" <c@d>,\" <MAILER-DAEMON@mail.example.org>\r\n"),
            (
                "Zustellung für Sie",
                "From: =?utf-8?B?WnVzdGVsbHVuZyBmw7xyIFNpZQ==?=\r\n <MAILER-DAEMON@mail.example.org>\r\n",
            ),
        ] {
            assert_eq!(one(|to| to.mailbox("From", shown, &from)).unwrap(), line);
        }
    }

    proptest! {
        /// Whatever the name and the text are: one field, in short lines, or none.
        #[test]
        fn no_value_ends_its_field(
            name in "[A-Z][a-z-]{0,50}|[ -~]{0,9}", value in "([ -~]{0,9}|ä|\r|\n|\0|\u{85}| |=\\?|x{90}|x{999}){0,9}",
        ) {
            for write in [FieldWriter::structured, FieldWriter::unstructured,
                |to: &mut FieldWriter, name: &str, value: &str| to.mailbox(name, value, &"a@example.org".parse().unwrap())]
            {
                let Ok(written) = one(|to| write(to, &name, &value)) else { continue };
                prop_assert!(!value.contains(char::is_control));
                let mut fields = Fields::of(written.as_bytes());
                prop_assert!(fields.next().is_some_and(|field| field.is_named(&name)));
                prop_assert!(fields.next().is_none() && fields.rest().is_empty());
                for line in written.split_terminator("\r\n") {
                    prop_assert!(!line.contains(['\r', '\n']) && line.len() <= MAX_LINE && !line.trim().is_empty());
                    prop_assert!(line.len() <= LINE || line.trim_start().split(' ').any(|word| word.len() > 60), "{}", line);
                }
            }
        }

        /// A text of ASCII is what it was when it is unfolded.
        #[test]
        fn text_survives_its_folding(text in "[!-<>-~]([ -<>-~]{0,120}[!-<>-~])?") {
            let written = one(|to| to.unstructured("Subject", &text)).unwrap();
            prop_assert_eq!(written.replace("\r\n ", " "), format!("Subject: {text}\r\n"));
        }
    }
}
