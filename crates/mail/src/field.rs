//! The value of a field that has parameters, such as Content-Type
//! ([RFC 2045 §5.1](https://www.rfc-editor.org/rfc/rfc2045#section-5.1),
//! [RFC 2231 §3 and §4](https://www.rfc-editor.org/rfc/rfc2231#section-3)).

use alloc::{string::String, vec::Vec};

/// A value with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameterized {
    value: String,
    /// Those in one piece first.
    parameters: Vec<(String, Vec<u8>)>,
}

/// Nobody writes so many parameters.
const MAX_SEMICOLONS: usize = 1000;

impl Parameterized {
    /// Reads what stands behind the colon of a field, which may be folded. Comments are left out. Of a field that has
    /// more than a thousand semicolons nothing is read: it would take a hundred times its size.
    #[must_use]
    pub fn read(value: &[u8]) -> Self {
        if value.iter().filter(|octet| **octet == b';').nth(MAX_SEMICOLONS).is_some() {
            return Self::default();
        }
        let mut sections = sections(value).into_iter();
        let value = sections.next().map(|section| section.value.to_ascii_lowercase()).unwrap_or_default();
        let (mut parameters, mut pieces) = (Vec::new(), Vec::new());
        for section in sections {
            let Some(name) = section.name else { continue };
            let name = String::from_utf8_lossy(&name).to_ascii_lowercase();
            match Piece::of(&name) {
                Some((whole, piece)) => pieces.push((String::from(whole), piece, section.value)),
                None => parameters.push((name, section.value)),
            }
        }
        pieces.sort_by(|(a, place_a, _), (b, place_b, _)| (a, place_a.number).cmp(&(b, place_b.number)));
        for pieces in pieces.chunk_by(|(a, ..), (b, ..)| a == b) {
            if let Some(((name, ..), value)) = pieces.first().zip(joined(pieces)) {
                parameters.push((name.clone(), value));
            }
        }
        Self { value: String::from_utf8_lossy(&value).into_owned(), parameters }
    }

    /// The value itself, in lower case; of Content-Type the media type.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// A parameter by its name in lower case: without its quotes, its pieces joined. In which charset it is, is lost.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// Whether a parameter is there several times with different values.
    #[must_use]
    pub fn is_ambiguous(&self, name: &str) -> bool {
        let mut all = self.all(name);
        let first = all.next();
        all.any(|other| Some(other) != first)
    }

    fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.parameters.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_slice())
    }
}

/// What stands between two semicolons.
#[derive(Default)]
struct Section {
    /// What is in front of the first equals sign.
    name: Option<Vec<u8>>,
    /// Unquoted, against the standard, it may have more equals signs in it.
    value: Vec<u8>,
}

fn sections(value: &[u8]) -> Vec<Section> {
    let (mut sections, mut section) = (Vec::new(), Section::default());
    let mut rest = value.iter().copied();
    let mut depth = 0_usize;
    while let Some(c) = rest.next() {
        match c {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'\\' if depth > 0 => drop(rest.next()),
            _ if depth > 0 => {}
            b'"' => quoted(&mut rest, &mut section.value),
            b';' => sections.push(core::mem::take(&mut section)),
            b'=' if section.name.is_none() && !sections.is_empty() => {
                section.name = Some(core::mem::take(&mut section.value));
            }
            _ if c.is_ascii_whitespace() => {}
            _ => section.value.push(c),
        }
    }
    sections.push(section);
    sections
}

/// A quoted string up to its end; line ends in it are those of folding.
fn quoted(rest: &mut impl Iterator<Item = u8>, to: &mut Vec<u8>) {
    while let Some(c) = rest.next().filter(|c| *c != b'"') {
        match c {
            b'\r' | b'\n' => {}
            b'\\' => to.push(rest.next().unwrap_or(c)),
            _ => to.push(c),
        }
    }
}

/// Where a piece of a parameter belongs.
#[derive(Clone, Copy)]
struct Piece {
    number: u32,
    /// Whether octets may stand in it as hexadecimal digits.
    extended: bool,
}

impl Piece {
    /// `name*0`, `name*0*` and `name*` are pieces of `name`.
    fn of(name: &str) -> Option<(&str, Self)> {
        let (name, rest) = name.split_once('*')?;
        let (number, extended) = match rest.strip_suffix('*') {
            Some(number) => (number, true),
            None => (rest, rest.is_empty()),
        };
        let number = if rest.is_empty() { 0 } else { number.parse().ok()? };
        Some((name, Self { number, extended }))
    }
}

/// Joins the pieces of a parameter, which are in their order, up to the first that is missing.
fn joined(pieces: &[(String, Piece, Vec<u8>)]) -> Option<Vec<u8>> {
    let mut value = Vec::new();
    let mut next = 0;
    for (_, piece, octets) in pieces {
        if piece.number.checked_add(1) == Some(next) {
            continue;
        }
        if piece.number != next {
            break;
        }
        next = next.checked_add(1)?;
        if piece.extended {
            // In front of the first piece are its charset and its language.
            let mut parts = octets.splitn(3, |c| *c == b'\'');
            let text = if piece.number == 0 { parts.nth(2) } else { None };
            percent_decoded(text.unwrap_or(octets), &mut value);
        } else {
            value.extend_from_slice(octets);
        }
    }
    (next > 0).then_some(value)
}

fn percent_decoded(text: &[u8], to: &mut Vec<u8>) {
    let mut rest = text;
    while let [c, behind @ ..] = rest {
        let octet = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        to.push(octet.unwrap_or(*c));
        rest = octet.and_then(|_| rest.get(3..)).unwrap_or(behind);
    }
}

fn hex(c: u8) -> Option<u8> {
    char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_parameters_are_none() {
        let with = |count| Parameterized::read(["a/b", &"; p=x".repeat(count)].concat().as_bytes());
        assert_eq!((with(1000).value(), with(1000).parameter("p")), ("a/b", Some(&b"x"[..])));
        assert_eq!(with(1001), Parameterized::default());
    }

    #[test]
    fn parameters_are_read() {
        let cases: [(&str, &str, Option<&str>); 16] = [
            ("text/plain", "text/plain", None),
            ("a/b; p=x", "a/b", Some("x")),
            ("A/B ; P=\"x;y=\\\"z\" (comment; p=q)", "a/b", Some("x;y=\"z")),
            ("a/b; p=----=_x", "a/b", Some("----=_x")),
            ("a/b;\r\n\tp=\"x\r\n y\"", "a/b", Some("x y")),
            ("a/b; p=\"open", "a/b", Some("open")),
            ("a/b; p=\"\"", "a/b", Some("")),
            ("a/b; p*=UTF-8'de'%C3%A4%2", "a/b", Some("ä%2")),
            ("a/b; p*0=x; p*1=y", "a/b", Some("xy")),
            ("a/b; p*1=y; p*0=x; p*3=z", "a/b", Some("xy")),
            ("a/b; p*0*=''x%20; p*1=y%20; p*2*=%21", "a/b", Some("x y%20!")),
            ("a/b; p*1=y", "a/b", None),
            ("a/b; p*x=y", "a/b", None),
            ("a/b; p*4294967295=y; p*0=x", "a/b", Some("x")),
            ("a/b; p*=x; p=y", "a/b", Some("y")),
            (";;=;p", "", None),
        ];
        for (text, value, parameter) in cases {
            let read = Parameterized::read(text.as_bytes());
            assert_eq!(read.value(), value, "{text}");
            assert_eq!(read.parameter("p"), parameter.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn a_parameter_with_two_values_is_ambiguous() {
        for (text, ambiguous) in
            [("a; p=x; p=x", false), ("a; p=x; P=y", true), ("a; p=x; p*0=y", true), ("a; p=x; q=y", false)]
        {
            assert_eq!(Parameterized::read(text.as_bytes()).is_ambiguous("p"), ambiguous, "{text}");
        }
    }
}
