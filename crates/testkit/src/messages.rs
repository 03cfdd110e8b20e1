//! Messages in any framing, for property tests: packets with headers of all forms, armor in all its liberties.

/// How a packet's length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests make them")]
pub enum Framing {
    /// Old format with 1, 2 or 4 octets of length, the shortest that will do but at least this many.
    Old(u8),
    /// New format with 1, 2 or 5 octets of length, the shortest that will do but at least this many.
    New(u8),
    /// Old format, up to the end of the input.
    Indeterminate,
    /// New format with partial lengths of two to this power.
    Partial(u8),
}

/// A packet.
///
/// # Panics
///
/// If the body is larger than the framing can say.
#[must_use]
pub fn packet(tag: u8, body: &[u8], framing: Framing) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap();
    let mut packet = Vec::new();
    match framing {
        Framing::Old(least) => {
            let first = 0x80 | (tag << 2);
            match len {
                0..=0xFF if least < 2 => packet.extend([first, len.to_be_bytes()[3]]),
                0..=0xFFFF if least < 4 => packet.extend([&[first | 1], &len.to_be_bytes()[2..]].concat()),
                _ => packet.extend([&[first | 2], &len.to_be_bytes()[..]].concat()),
            }
            packet.extend_from_slice(body);
        }
        Framing::New(least) => {
            packet.push(0xC0 | tag);
            packet.extend(new_length(len, least));
            packet.extend_from_slice(body);
        }
        Framing::Indeterminate => {
            packet.push(0x83 | (tag << 2));
            packet.extend_from_slice(body);
        }
        Framing::Partial(power) => {
            packet.push(0xC0 | tag);
            let mut parts = body.chunks(1 << power).peekable();
            while let Some(part) = parts.next() {
                match parts.peek() {
                    Some(_) => packet.push(224 + power),
                    None => packet.extend(new_length(u32::try_from(part.len()).unwrap(), 1)),
                }
                packet.extend_from_slice(part);
            }
        }
    }
    packet
}

fn new_length(len: u32, least: u8) -> Vec<u8> {
    match len {
        0..=191 if least < 2 => vec![len.to_be_bytes()[3]],
        192..=8383 if least < 5 => {
            let [_, _, high, low] = (len - 192).to_be_bytes();
            vec![high + 192, low]
        }
        _ => [&[255], &len.to_be_bytes()[..]].concat(),
    }
}

/// The body of a PKESK version 3 for ECDH with this point (with its prefix octet) and wrapped key.
#[must_use]
pub fn pkesk_v3(key_id: [u8; 8], point: &[u8], wrapped: &[u8]) -> Vec<u8> {
    [&[3], &key_id[..], &ecdh(point, wrapped)].concat()
}

/// The same in version 6; without a fingerprint the recipient is hidden.
#[must_use]
pub fn pkesk_v6(fingerprint: Option<[u8; 20]>, point: &[u8], wrapped: &[u8]) -> Vec<u8> {
    let recipient = fingerprint.map_or(vec![0], |fingerprint| [&[21, 4], &fingerprint[..]].concat());
    [&[6], &recipient[..], &ecdh(point, wrapped)].concat()
}

fn ecdh(point: &[u8], wrapped: &[u8]) -> Vec<u8> {
    let zeros = point.first().map_or(0, |first| first.leading_zeros());
    let bits = u16::try_from(point.len() * 8).unwrap() - u16::try_from(zeros).unwrap();
    [&[18], &bits.to_be_bytes()[..], point, &[u8::try_from(wrapped.len()).unwrap()], wrapped].concat()
}

/// How armor is written.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests make it")]
pub struct Armor {
    /// Base64 characters in a line.
    pub line: usize,
    /// Whether lines end in CR LF, or LF alone.
    pub crlf: bool,
    /// Lines of headers.
    pub headers: Vec<String>,
    /// White space behind each line.
    pub blanks: usize,
    /// Whether there is a checksum.
    pub checksum: bool,
}

/// Puts a message into armor.
#[must_use]
pub fn armored(message: &[u8], armor: &Armor) -> Vec<u8> {
    let encoded = base64(message);
    let mut lines = vec!["-----BEGIN PGP MESSAGE-----".to_owned()];
    lines.extend(armor.headers.iter().cloned());
    lines.push(String::new());
    lines.extend(encoded.as_bytes().chunks(armor.line.max(1)).map(|line| String::from_utf8_lossy(line).into_owned()));
    if armor.checksum {
        lines.push(format!("={}", base64(&crc24(message).to_be_bytes()[1..])));
    }
    lines.push("-----END PGP MESSAGE-----".to_owned());
    let end = format!("{}{}", " ".repeat(armor.blanks), if armor.crlf { "\r\n" } else { "\n" });
    lines.iter().flat_map(|line| [line.as_str(), &end].concat().into_bytes()).collect()
}

/// The octets of armor, and whether its checksum is right (true where there is none).
///
/// # Panics
///
/// On what is no armor.
#[must_use]
pub fn dearmored(text: &[u8]) -> (Vec<u8>, bool) {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let _headers = lines.by_ref().take_while(|line| !line.is_empty()).count();
    let lines: Vec<&str> = lines.take_while(|line| !line.starts_with("-----END")).collect();
    let joined = lines.concat();
    let (data, checksum) = match lines.last() {
        Some(last) if last.len() == 5 && last.starts_with('=') => (&joined[..joined.len() - 5], Some(&last[1..])),
        _ => (&joined[..], None),
    };
    let octets = unbase64(data);
    let right = checksum.is_none_or(|sum| unbase64(sum) == crc24(&octets).to_be_bytes()[1..]);
    (octets, right)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(octets: &[u8]) -> String {
    let mut text = String::new();
    for group in octets.chunks(3) {
        let bits =
            group.iter().chain([0, 0].iter()).take(3).fold(0_usize, |bits, octet| bits << 8 | usize::from(*octet));
        for i in 0..4 {
            text.push(if i <= group.len() { char::from(ALPHABET[bits >> (18 - 6 * i) & 63]) } else { '=' });
        }
    }
    text
}

fn unbase64(text: &str) -> Vec<u8> {
    let digit = |c: &u8| ALPHABET.iter().position(|a| a == c).expect("base64");
    let digits: Vec<usize> = text.trim_end_matches('=').as_bytes().iter().map(digit).collect();
    let mut octets = Vec::new();
    for group in digits.chunks(4) {
        let bits = group.iter().chain([0, 0, 0].iter()).take(4).fold(0, |bits, digit| bits << 6 | digit);
        octets.extend(bits.to_be_bytes()[5..].iter().take(group.len() - 1));
    }
    octets
}

/// The checksum of armor, octet by octet as RFC 9580 §6.1 writes it.
fn crc24(octets: &[u8]) -> u32 {
    let mut crc = 0x00B7_04CE;
    for octet in octets {
        crc ^= u32::from(*octet) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4CFB;
            }
        }
    }
    crc & 0x00FF_FFFF
}

/// How the body of a part of a mail is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests make them")]
pub enum Transfer {
    /// Not at all.
    Identity,
    /// `base64` in lines of so many characters.
    Base64(usize),
    /// `quoted-printable` in lines of at most so many characters, at least 4; with every so-manieth octet escaped
    /// without need.
    QuotedPrintable(usize, usize),
}

/// Encodes the body of a part.
#[must_use]
pub fn transfer(content: &[u8], transfer: Transfer) -> Vec<u8> {
    match transfer {
        Transfer::Identity => content.to_vec(),
        Transfer::Base64(line) => {
            let text = base64(content);
            text.as_bytes().chunks(line.max(1)).flat_map(|line| [line, b"\r\n"].concat()).collect()
        }
        Transfer::QuotedPrintable(line, every) => {
            let (mut text, mut column) = (Vec::new(), 0);
            for (i, octet) in content.iter().enumerate() {
                let plain = matches!(octet, b'\r' | b'\n' | b' '..=b'<' | b'>'..=b'~');
                let unneeded = every > 0 && i % every == 0 && !matches!(octet, b'\r' | b'\n');
                let token = if plain && !unneeded { vec![*octet] } else { format!("={octet:02X}").into_bytes() };
                if column + token.len() >= line.max(4) && *octet != b'\r' && *octet != b'\n' {
                    text.extend(if every % 2 == 1 { &b"= \t \r\n"[..] } else { b"=\r\n" });
                    column = 0;
                }
                column = if *octet == b'\n' { 0 } else { column + token.len() };
                text.extend(token);
            }
            text
        }
    }
}

/// Decodes the body of a part.
///
/// # Panics
///
/// If it is not encoded as [`transfer`] does it.
#[must_use]
pub fn untransfer(text: &[u8], transfer: Transfer) -> Vec<u8> {
    match transfer {
        Transfer::Identity => text.to_vec(),
        Transfer::Base64(_) => unbase64(&String::from_utf8_lossy(text).split_whitespace().collect::<String>()),
        Transfer::QuotedPrintable(..) => {
            let text = String::from_utf8_lossy(text).replace("= \t \r\n", "").replace("=\r\n", "");
            let mut pieces = text.split('=');
            let mut content = pieces.next().unwrap_or_default().as_bytes().to_vec();
            for piece in pieces {
                content.push(u8::from_str_radix(&piece[..2], 16).expect("an escaped octet"));
                content.extend(&piece.as_bytes()[2..]);
            }
            content
        }
    }
}

/// A mail with these text parts, and where the bodies of the parts are.
#[must_use]
pub fn mail(parts: &[(Vec<u8>, Transfer)]) -> (Vec<u8>, Vec<std::ops::Range<usize>>) {
    let mut mail = b"From: a@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed;\r\n boundary=\"--=_b\"\r\n\r\nPreamble\r\n"
        .to_vec();
    let mut bodies = Vec::new();
    for (content, encoding) in parts {
        let name = match encoding {
            Transfer::Identity => "8bit",
            Transfer::Base64(_) => "Base64",
            Transfer::QuotedPrintable(..) => "quoted-printable",
        };
        mail.extend(
            format!("----=_b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: {name}\r\n\r\n").bytes(),
        );
        let start = mail.len();
        mail.extend(transfer(content, *encoding));
        bodies.push(start..mail.len());
        mail.extend(b"\r\n");
    }
    mail.extend(b"----=_b--\r\nEpilogue\r\n");
    (mail, bodies)
}
