//! Any octets as BER.

use std::io::Read;

use super::{Reader, Tag, to_der, wide};
use crate::{Limits, Result};

/// What is BER must be the same element in DER, in whatever pieces it comes.
///
/// # Panics
///
/// If it isn't.
pub fn fuzz(input: &[u8]) {
    let limits = Limits::default();
    let (step, ber) = input.split_first().map_or((1, input), |(first, rest)| (usize::from(*first) + 1, rest));
    let reader = || Reader::new(Dribble { octets: ber, step }, &limits);
    let walked = walk(reader());
    drop(reader().skip());
    drop(reader().octets(&mut |_| Ok(())));
    let Ok(der) = to_der(ber, &limits) else { return };
    let again = to_der(&der, &limits);
    assert!(again.is_ok_and(|again| matches!(again, std::borrow::Cow::Borrowed(_))), "DER must stay as it is");
    assert!(reader().element().is_ok_and(|element| element == ber), "an element must stay as it is");
    let in_der = walk(Reader::new(&der[..], &limits));
    assert!(matches!((walked, in_der), (Ok(a), Ok(b)) if a == b), "an element must mean the same in DER");
}

/// Gives a few octets at a time.
struct Dribble<'a> {
    octets: &'a [u8],
    step: usize,
}

impl Read for Dribble<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = into.len().min(self.step);
        self.octets.read(into.get_mut(..count).unwrap_or_default())
    }
}

/// All tags and values, and how deep they are.
fn walk<R: Read>(mut reader: Reader<R>) -> Result<Vec<(usize, Tag, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut depth = 0;
    loop {
        let Some(tag) = reader.peek()? else {
            if depth == 0 {
                return Ok(found);
            }
            reader.leave()?;
            depth -= 1;
            continue;
        };
        let value = if tag.same(Tag::OCTET_STRING) {
            let mut value = Vec::new();
            let count = reader.octets(&mut |octets| {
                value.extend_from_slice(octets);
                Ok(())
            })?;
            assert_eq!(count, wide(value.len()), "the octets of a string must be counted");
            value
        } else if tag.is_string() || !tag.constructed {
            to_der(&reader.element()?, &Limits::default())?.into_owned()
        } else {
            reader.enter()?;
            depth += 1;
            Vec::new()
        };
        found.push((depth, Tag { constructed: tag.constructed && !tag.is_string(), ..tag }, value));
    }
}
