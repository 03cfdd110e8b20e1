//! The header of a mail whose protection is taken away (RFC 9788 §4).

use std::collections::BTreeSet;

use super::{ProtectedFields, ProtectedForm, by_name, is, is_content, lower, push};
use crate::mime::header::{Field, Header};

/// Fields that come from inside into the header of a mail whose protection is taken away: what its author wrote for its
/// readers. All others a gateway or a filter may have written or taken away outside, and what stands inside was not
/// there for them to see.
const RESTORED: [&str; 20] = [
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "date",
    "subject",
    "comments",
    "keywords",
    "message-id",
    "in-reply-to",
    "references",
    "followup-to",
    "newsgroups",
    "organization",
    "user-agent",
    "importance",
    "priority",
    "x-priority",
    "sensitivity",
];

/// The header of a mail whose protection is taken away, without the empty line: the fields that were outside, with the
/// protected ones for readers in their place, and those of the payload that describe its body.
///
/// A protected From counts only if its address is the one outside.
pub(crate) fn restored(outer: &Header, payload: &Header, protected: Option<&ProtectedFields>) -> Vec<u8> {
    let header = protected.map(ProtectedFields::header).unwrap_or_default();
    let foreign = protected.and_then(|protected| protected.same_author(outer)) == Some(false);
    let counts = |field: &Field<'_>| RESTORED.iter().any(|name| is(field, name)) && !(foreign && is(field, "from"));
    let mut inside = by_name(header.fields().filter(counts));
    // What is in the place of outer fields that were there already.
    let mut placed = BTreeSet::new();
    let mut to = outer.mailbox_line().to_vec();
    for field in outer.fields().filter(|field| !is_content(field)) {
        let name = lower(field.name);
        if placed.contains(&name) {
            continue;
        }
        match inside.remove(&name) {
            Some(inner) => {
                inner.iter().for_each(|inner| push_inner(&mut to, inner.raw));
                placed.insert(name);
            }
            None => push(&mut to, field.raw),
        }
    }
    let missing = header.fields().filter(|field| inside.contains_key(&lower(field.name)));
    missing.for_each(|inner| push_inner(&mut to, inner.raw));
    let body = match protected {
        Some(ProtectedFields { form: ProtectedForm::Wrapped, header }) => header,
        _ => payload,
    };
    body.fields().filter(is_content).for_each(|field| push_inner(&mut to, field.raw));
    to
}

/// Adds a field from inside. For some programs a CR alone ends a line, or a NUL all of it: with blanks in their place
/// it stays the one field that was looked at.
fn push_inner(to: &mut Vec<u8>, raw: &[u8]) {
    let mut rest = raw.iter().copied().peekable();
    let mut field = Vec::with_capacity(raw.len());
    while let Some(octet) = rest.next() {
        let ends = octet == 0 || (octet == b'\r' && rest.peek() != Some(&b'\n'));
        field.push(if ends { b' ' } else { octet });
    }
    push(to, &field);
}
