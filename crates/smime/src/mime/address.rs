//! Addresses in header fields (RFC 5322 §3.4), read strictly: what programs may read differently is not read at all.

use mail_parser::{Address, HeaderValue, parsers::MessageStream};
use sealpost_mail::Encoding;

use crate::certificate::name::is_invisible;

/// A mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mailbox {
    /// The display name, decoded; empty if there is none.
    pub(crate) name: String,
    /// Its encoded words (RFC 2047), decoded wherever they stand, as some programs do: in quotes, within a word, in any
    /// charset, of which only ASCII can be told.
    pub(crate) encoded: String,
    /// In front of the `@`, without quotes.
    pub(crate) local: String,
    pub(crate) domain: String,
}

/// Longer addresses are none (RFC 5321 §4.5.3.1 allows 64 octets and 255).
const MAX_ADDRESS: usize = 998;

/// Octets of a field that is read: in memory it takes many times that.
const MAX_FIELD: usize = 32 << 10;

/// What a value is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Characters of atoms, and dots.
    Word(String),
    Quoted(String),
    /// A domain in brackets.
    Literal(String),
    Special(char),
}

/// A token, and whether blanks or comments stand in front of it.
type Spaced = (bool, Token);

impl Mailbox {
    /// Reads the mailboxes of a field whose value was unfolded.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn list(value: &[u8]) -> Result<Vec<Self>, &'static str> {
        if value.len() > MAX_FIELD {
            return Err("it is too long");
        }
        let text = std::str::from_utf8(value).map_err(|_| "it is not UTF-8")?;
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err("there are control characters in it");
        }
        let tokens = tokens(text)?;
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let mut mailboxes =
            tokens.split(|(_, token)| *token == Token::Special(',')).map(Self::read).collect::<Result<Vec<_>, _>>()?;
        let others = read_otherwise(text);
        if others.len() != mailboxes.len() {
            return Err("programs read it in different ways");
        }
        for (mailbox, (name, address)) in mailboxes.iter_mut().zip(others) {
            if mailbox.address() != address {
                return Err("programs read it in different ways");
            }
            mailbox.name = name;
        }
        if let [mailbox] = mailboxes.as_mut_slice() {
            mailbox.encoded = encoded_words(text);
        }
        Ok(mailboxes)
    }

    /// The display name, with what some programs make of it if that is something else.
    pub(crate) fn shown(self) -> String {
        if self.name.contains(&self.encoded) { self.name } else { format!("{} {}", self.name, self.encoded) }
    }

    /// The addr-spec.
    pub(crate) fn address(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }

    fn read(tokens: &[Spaced]) -> Result<Self, &'static str> {
        let Some(start) = tokens.iter().position(|(_, token)| *token == Token::Special('<')) else {
            return Self::addr_spec(tokens);
        };
        let (phrase, rest) = tokens.split_at(start);
        for (_, token) in phrase {
            match token {
                // Against the standard, addresses stand there unquoted.
                Token::Word(_) | Token::Quoted(_) | Token::Special('@') => {}
                Token::Special(':' | ';') => return Err("there is a group in it"),
                _ => return Err("the display name is malformed"),
            }
        }
        match rest {
            [_, inner @ .., (_, Token::Special('>'))] => Self::addr_spec(inner),
            _ => Err("the address is malformed"),
        }
    }

    /// The mailbox without its name.
    fn addr_spec(tokens: &[Spaced]) -> Result<Self, &'static str> {
        let [(_, local), (false, Token::Special('@')), (false, domain)] = tokens else {
            let group = tokens.iter().any(|(_, token)| matches!(token, Token::Special(':' | ';')));
            return Err(if group { "there is a group in it" } else { "the address is malformed" });
        };
        let local = match local {
            Token::Word(word) if is_dot_atom(word) => word,
            Token::Quoted(word) if !word.is_empty() => word,
            _ => return Err("the address is malformed"),
        };
        let domain = match domain {
            Token::Word(domain) if is_dot_atom(domain) => domain,
            Token::Literal(domain) => domain,
            _ => return Err("the address is malformed"),
        };
        if [local, domain].iter().any(|text| text.chars().any(is_invisible) || text.contains("=?")) {
            return Err("the address has invisible characters or an encoded word in it");
        }
        if local.len() + domain.len() > MAX_ADDRESS {
            return Err("the address is too long");
        }
        Ok(Self { name: String::new(), encoded: String::new(), local: local.clone(), domain: domain.clone() })
    }
}

fn is_dot_atom(word: &str) -> bool {
    word.split('.').all(|atom| !atom.is_empty())
}

fn tokens(text: &str) -> Result<Vec<Spaced>, &'static str> {
    let (mut tokens, mut spaced) = (Vec::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let token = match c {
            ' ' | '\t' => {
                spaced = true;
                continue;
            }
            '(' => {
                comment(&mut rest)?;
                spaced = true;
                continue;
            }
            '"' => Token::Quoted(enclosed(&mut rest, '"')?),
            '[' => Token::Literal(format!("[{}]", enclosed(&mut rest, ']')?)),
            ')' | ']' | '\\' => return Err("brackets do not match"),
            '<' | '>' | '@' | ',' | ';' | ':' => Token::Special(c),
            _ => {
                let mut word = String::from(c);
                while let Some(c) = rest.next_if(|c| !" \t()<>[]:;@\\,\"".contains(*c)) {
                    word.push(c);
                }
                Token::Word(word)
            }
        };
        tokens.push((spaced, token));
        spaced = false;
    }
    Ok(tokens)
}

/// What stands up to this quote or bracket; backslashes are taken away.
fn enclosed(rest: &mut impl Iterator<Item = char>, end: char) -> Result<String, &'static str> {
    let mut text = String::new();
    loop {
        match rest.next() {
            Some(c) if c == end => return Ok(text),
            Some('\\') => text.extend(rest.next()),
            Some(c) => text.push(c),
            None => return Err("a quotation does not end"),
        }
    }
}

fn comment(rest: &mut impl Iterator<Item = char>) -> Result<(), &'static str> {
    let mut depth = 1_usize;
    while depth > 0 {
        match rest.next() {
            Some('(') => depth += 1,
            Some(')') => depth -= 1,
            Some('\\') => drop(rest.next()),
            Some(_) => {}
            None => return Err("a comment does not end"),
        }
    }
    Ok(())
}

/// The encoded words in a text, one behind the other, without null octets.
fn encoded_words(text: &str) -> String {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some((_, word)) = rest.split_once("=?") {
        rest = word;
        let mut fields = word.splitn(4, '?');
        let (Some(_), Some(kind), Some(encoded), Some(behind)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            break;
        };
        let (encoding, encoded) = match kind {
            "b" | "B" => (Encoding::Base64, encoded.to_owned()),
            "q" | "Q" => (Encoding::QuotedPrintable, encoded.replace('_', " ")),
            _ => continue,
        };
        if let Some(behind) = behind.strip_prefix('=') {
            words.extend_from_slice(encoding.decode(encoded.as_bytes(), true).octets());
            rest = behind;
        }
    }
    words.retain(|octet| *octet != 0);
    String::from_utf8_lossy(&words).into_owned()
}

/// Names and addresses as a tolerant program reads them.
fn read_otherwise(text: &str) -> Vec<(String, String)> {
    let line = format!("{text}\r\n");
    let HeaderValue::Address(read) = MessageStream::new(line.as_bytes()).parse_address() else { return Vec::new() };
    let all = match read {
        Address::List(list) => list,
        Address::Group(groups) => groups.into_iter().flat_map(|group| group.addresses).collect(),
    };
    all.into_iter()
        .map(|mailbox| (mailbox.name.unwrap_or_default().into(), mailbox.address.unwrap_or_default().into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_are_read() {
        let cases: [(&str, &[(&str, &str)]); 15] = [
            ("a@b.c", &[("", "a@b.c")]),
            (" A.x@B.c \t", &[("", "A.x@B.c")]),
            ("A B <a@b>", &[("A B", "a@b")]),
            ("\"A, B\" <a@b>", &[("A, B", "a@b")]),
            ("\"A \\\"B\\\"\" <a@b>", &[("A \"B\"", "a@b")]),
            ("<a@b>", &[("", "a@b")]),
            ("a@b (c@d)", &[("c@d", "a@b")]),
            ("=?utf-8?q?J=C3=BCrgen?= <j@b>", &[("Jürgen", "j@b")]),
            ("x@y <a@b>", &[("x@y", "a@b")]),
            ("x@y    . <a@b>", &[("x@y    .", "a@b")]),
            ("a@b, C <c@d>", &[("", "a@b"), ("C", "c@d")]),
            ("Dr. A <a@b>", &[("Dr. A", "a@b")]),
            ("a@[1.2.3.4]", &[("", "a@[1.2.3.4]")]),
            ("ü@ä.de", &[("", "ü@ä.de")]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            let read = Mailbox::list(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
            let read: Vec<_> = read.iter().map(|mailbox| (&*mailbox.name, mailbox.address())).collect();
            let read: Vec<_> = read.iter().map(|(name, address)| (*name, address.as_str())).collect();
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn what_is_odd_is_not_read() {
        for text in [
            "a@b\0.c",
            "a@b <c@d",
            "a@b>",
            "A",
            "a",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a@b c",
            "a@b c@d",
            "a @b",
            "a@ b",
            "a(x)@b",
            "g: a@b;",
            "a@b,,c@d",
            "a@b,",
            "<a@b> c",
            "A <a@b> <c@d>",
            "A <a@b>, ",
            "<@x,@y:a@b>",
            "a@b;",
            ".a@b",
            "a@b.",
            "a..b@c",
            "A \"B <a@b>",
            "A (B <a@b>",
            "A) <a@b>",
            "<>",
            "A [x] <a@b>",
            "<a@b\x01>",
            "\"a b\"@c",
            "A\\ <a@b>",
            "\"\"@b",
            "<<a@b>>",
        ] {
            assert!(Mailbox::list(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Mailbox::list(b"\xff@b").is_err());
        let many = "a@b,".repeat(8191);
        assert_eq!(Mailbox::list(format!("{many}a@b").as_bytes()).map(|list| list.len()), Ok(8192));
        assert!(Mailbox::list(format!("{many}a@b, a@b").as_bytes()).is_err());
        assert!(Mailbox::list(format!("a@{}", "b".repeat(998)).as_bytes()).is_err());
    }
}
