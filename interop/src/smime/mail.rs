//! Mails, as far as peers leave them to their callers: fields, the two parts of multipart/signed, base64 bodies.
//!
//! Written without a line of ours, so that it can disagree.

use base64::{Engine, engine::general_purpose::STANDARD};

/// The header with its empty line, and the body.
///
/// # Panics
///
/// If there is no empty line.
#[must_use]
pub fn halves(mail: &[u8]) -> (&[u8], &[u8]) {
    let end = find(mail, b"\r\n\r\n").unwrap_or_else(|| panic!("no body: {}", String::from_utf8_lossy(mail)));
    mail.split_at(end + 4)
}

/// The fields of a header, folded as they are, with their ends.
fn fields(header: &[u8]) -> Vec<Vec<u8>> {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for line in header.split_inclusive(|octet| *octet == b'\n').filter(|line| *line != b"\r\n") {
        match fields.last_mut() {
            Some(field) if line.starts_with(b" ") || line.starts_with(b"\t") => field.extend_from_slice(line),
            _ => fields.push(line.to_vec()),
        }
    }
    fields
}

fn is_about_the_content(field: &[u8]) -> bool {
    field.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"content-"))
}

/// The fields in front of a mail that are not about its content, without MIME-Version; and the entity: those that are,
/// and the body.
#[must_use]
pub fn split(mail: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (header, body) = halves(mail);
    let (content, outer): (Vec<_>, Vec<_>) = fields(header).into_iter().partition(|field| is_about_the_content(field));
    let version = |field: &Vec<u8>| field.to_ascii_lowercase().starts_with(b"mime-version:");
    let outer: Vec<_> = outer.into_iter().filter(|field| !version(field)).collect();
    (outer.concat(), [content.concat(), b"\r\n".to_vec(), body.to_vec()].concat())
}

/// A mail from its outer fields and an entity, which may have bare line feeds and a MIME-Version of its own.
#[must_use]
pub fn join(outer: &[u8], entity: &[u8]) -> Vec<u8> {
    let (_, entity) = split(&crlf(entity));
    [outer, b"MIME-Version: 1.0\r\n", &entity].concat()
}

/// The same with CRLF for each bare line feed.
#[must_use]
pub fn crlf(text: &[u8]) -> Vec<u8> {
    let mut canonical = Vec::with_capacity(text.len() + text.len() / 32);
    for octet in text {
        if *octet == b'\n' && canonical.last() != Some(&b'\r') {
            canonical.push(b'\r');
        }
        canonical.push(*octet);
    }
    canonical
}

/// The value of a field, unfolded; empty if there is none.
#[must_use]
pub fn field(mail: &[u8], name: &str) -> String {
    let (header, _) = halves(mail);
    let named = |field: &Vec<u8>| {
        let text = String::from_utf8_lossy(field).into_owned();
        let (found, value) = text.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.replace("\r\n", "").trim().to_owned())
    };
    fields(header).iter().find_map(named).unwrap_or_default()
}

/// A parameter of Content-Type.
#[must_use]
pub fn parameter(mail: &[u8], name: &str) -> Option<String> {
    let value = field(mail, "Content-Type");
    let mut parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.find(|(found, _)| found.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// The signed part and the CMS message of a multipart/signed; `None` if it is none.
///
/// # Panics
///
/// If it has not two parts.
#[must_use]
pub fn signed_parts(mail: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    if !field(mail, "Content-Type").to_ascii_lowercase().starts_with("multipart/signed") {
        return None;
    }
    let delimiter = format!("\r\n--{}", parameter(mail, "boundary").unwrap());
    let (_, body) = halves(mail);
    let body = [b"\r\n", body].concat();
    let mut parts = Vec::new();
    let mut rest = &body[find(&body, delimiter.as_bytes()).unwrap() + delimiter.len()..];
    while !rest.starts_with(b"--") {
        let start = find(rest, b"\r\n").unwrap() + 2;
        let end = find(rest, delimiter.as_bytes()).unwrap();
        parts.push(&rest[start..end]);
        rest = &rest[end + delimiter.len()..];
    }
    let [content, signature] = parts[..] else { panic!("{} parts", parts.len()) };
    Some((content.to_vec(), base64_body(signature)))
}

/// The octets of a base64 body.
///
/// # Panics
///
/// If it is none.
#[must_use]
pub fn base64_body(mail: &[u8]) -> Vec<u8> {
    assert_eq!(field(mail, "Content-Transfer-Encoding").to_ascii_lowercase(), "base64");
    let (_, body) = halves(mail);
    let digits: Vec<u8> = body.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    STANDARD.decode(digits).unwrap()
}

fn base64_lines(octets: &[u8]) -> String {
    let digits = STANDARD.encode(octets);
    let lines: Vec<_> = digits.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join("\r\n") + "\r\n"
}

/// A multipart/signed with `sha256` or the like (RFC 8551, section 3.5.3).
#[must_use]
pub fn multipart(outer: &[u8], content: &[u8], signature: &[u8], hash: &str) -> Vec<u8> {
    let boundary = "=_the boundary of the signed parts";
    let header = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n \
         micalg=sha-{}; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n",
        hash.trim_start_matches("sha")
    );
    let part = format!(
        "\r\n--{boundary}\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: \
         base64\r\nContent-Disposition: attachment; filename=smime.p7s\r\n\r\n{}\r\n--{boundary}--\r\n",
        base64_lines(signature)
    );
    [outer, header.as_bytes(), content, part.as_bytes()].concat()
}

/// An application/pkcs7-mime (RFC 8551, section 3.2).
#[must_use]
pub fn pkcs7(outer: &[u8], smime_type: &str, message: &[u8]) -> Vec<u8> {
    let rest = format!(
        "MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type={smime_type}; name=smime.p7m\r\n\
         Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7m\r\n\r\n{}",
        base64_lines(message)
    );
    [outer, rest.as_bytes()].concat()
}

/// Where `needle` starts.
#[must_use]
pub fn find(octets: &[u8], needle: &[u8]) -> Option<usize> {
    octets.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"From: a@example.org\r\nContent-Type: text/plain;\r\n charset=utf-8\r\nMIME-Version: 1.0\r\n\
        Subject: x\r\n\r\nText\r\n";

    #[test]
    fn a_mail_is_its_two_halves() {
        let (outer, entity) = split(MAIL);
        assert_eq!(outer, b"From: a@example.org\r\nSubject: x\r\n");
        assert_eq!(entity, b"Content-Type: text/plain;\r\n charset=utf-8\r\n\r\nText\r\n");
        assert_eq!(split(&join(&outer, &entity)), (outer, entity));
        assert_eq!(parameter(MAIL, "charset").as_deref(), Some("utf-8"));
    }

    #[test]
    fn what_was_put_in_comes_out() {
        let mail = multipart(b"From: a@example.org\r\n", b"\r\nText\r\n", b"signature", "sha256");
        assert_eq!(signed_parts(&mail), Some((b"\r\nText\r\n".to_vec(), b"signature".to_vec())));
        let mail = pkcs7(b"From: a@example.org\r\n", "enveloped-data", b"message");
        assert_eq!((signed_parts(&mail), base64_body(&mail)), (None, b"message".to_vec()));
    }
}
