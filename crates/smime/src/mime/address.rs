//! Addresses in header fields (RFC 5322 §3.4), read strictly: what programs may read differently is not read at all.

use mail_parser::{Address, HeaderValue, parsers::MessageStream};

/// A mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mailbox {
    /// The display name, decoded; empty if there is none.
    pub(crate) name: String,
    /// In front of the `@`, without quotes.
    pub(crate) local: String,
    pub(crate) domain: String,
}

/// Longer addresses are none (RFC 5321 §4.5.3.1 allows 64 octets and 255).
const MAX_ADDRESS: usize = 998;

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
            // Its words that are encoded (RFC 2047) are decoded here.
            mailbox.name = name;
        }
        Ok(mailboxes)
    }

    /// The addr-spec.
    pub(crate) fn address(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }

    fn read(tokens: &[Spaced]) -> Result<Self, &'static str> {
        let Some(start) = tokens.iter().position(|(_, token)| *token == Token::Special('<')) else {
            return Self::addr_spec(tokens, "");
        };
        let (phrase, rest) = tokens.split_at(start);
        let mut name = Vec::new();
        for (_, token) in phrase {
            match token {
                Token::Word(word) | Token::Quoted(word) => name.push(word.as_str()),
                // Against the standard, addresses stand there unquoted.
                Token::Special('@') => name.push("@"),
                Token::Special(':' | ';') => return Err("there is a group in it"),
                _ => return Err("the display name is malformed"),
            }
        }
        match rest {
            [_, inner @ .., (_, Token::Special('>'))] => Self::addr_spec(inner, &name.concat()),
            _ => Err("the address is malformed"),
        }
    }

    fn addr_spec(tokens: &[Spaced], name: &str) -> Result<Self, &'static str> {
        let [(_, local), (false, Token::Special('@')), (false, domain)] = tokens else {
            let group = tokens.iter().any(|(_, token)| matches!(token, Token::Special(':' | ';')));
            return Err(if group { "there is a group in it" } else { "the address is malformed" });
        };
        let local = match local {
            Token::Word(word) if is_dot_atom(word) => word,
            Token::Quoted(word) if !word.is_empty() => word,
            _ => return Err("the address is malformed"),
        };
        match domain {
            Token::Word(domain) if !is_dot_atom(domain) => Err("the address is malformed"),
            Token::Word(domain) | Token::Literal(domain) if local.len() + domain.len() > MAX_ADDRESS => {
                Err("the address is too long")
            }
            Token::Word(domain) | Token::Literal(domain) => {
                Ok(Self { name: name.to_owned(), local: local.clone(), domain: domain.clone() })
            }
            _ => Err("the address is malformed"),
        }
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
        assert!(Mailbox::list(format!("a@{}", "b".repeat(998)).as_bytes()).is_err());
    }
}
