//! Any octets as a mail.

use std::{
    io::{self, Cursor, Read, Seek, SeekFrom, Write},
    ops::Range,
};

use super::{
    base64,
    hazards::Hazards,
    header::Header,
    locate::{Entity, Kind},
    seven_bit::{Purpose, Rewrite, Wanted},
    tree::{Part, Tree},
};
use crate::{
    Identity, Limits, Result,
    protected::{Composed, HeaderConfidentiality, HeaderProtection, ProtectedFields, restored},
};

/// Whatever the octets are: parts stand inside of each other, in whatever pieces the mail comes; what was made fit for
/// signing is fit and stays so; and what base64 stands for is what is written again.
///
/// # Panics
///
/// If it isn't so.
pub fn fuzz(input: &[u8]) {
    let (step, mail) = input.split_first().map_or((1, input), |(first, rest)| (usize::from(*first) + 1, rest));
    let limits = Limits { nesting: 5, parts: 50, ..Limits::default() };
    header(mail, &limits);
    encoded(mail, step);
    let whole = Entity::locate(&mut Cursor::new(mail), &limits);
    let mut pieces = Dribble { octets: Cursor::new(mail), step };
    let (whole, pieces) = match (whole, Entity::locate(&mut pieces, &limits)) {
        (Ok(whole), Ok(pieces)) => (whole, pieces),
        (Err(a), Err(b)) => return assert_eq!(a.to_string(), b.to_string()),
        other => return assert!(other.0.is_ok() && other.1.is_ok(), "pieces must not matter"),
    };
    assert_eq!(format!("{whole:?}"), format!("{pieces:?}"), "pieces must not matter");
    places(&whole.tree);
    for protected in whole.protected() {
        if let Ok(Kind::Signed(signed)) = protected.kind {
            inside(&signed.content, &protected.entity);
            inside(&signed.signature, &protected.entity);
            assert!(signed.content.end <= signed.signature.start);
        }
    }
    for purpose in [Purpose::Detached, Purpose::Enclosed] {
        let (written, fit) = rewritten(mail, purpose, &limits);
        let hazards = Hazards::of(&written[..]).map(|hazards| hazards.is_seven_bit() && !hazards.bare_lf);
        assert!(!fit || hazards.is_ok_and(|seven_bit| seven_bit), "it must be 7-bit");
        if Entity::locate(&mut Cursor::new(&written), &limits).is_ok() {
            assert_eq!(rewritten(&written, purpose, &limits).0, written, "what is fit must stay");
        }
    }
}

/// Makes a mail fit, and says whether all of it is.
fn rewritten(mail: &[u8], purpose: Purpose, limits: &Limits) -> (Vec<u8>, bool) {
    let mut mail = Cursor::new(mail);
    let mut write = || -> Result<(Vec<u8>, bool)> {
        let entity = Entity::locate(&mut mail, limits)?;
        let (_, inner) = entity.header.split();
        let (_, rewrite, written) = Rewrite::plan(&mut mail, &Wanted { inner: &inner, purpose }, limits, Vec::new)?;
        let mut again = Vec::new();
        rewrite.write(&mut mail, &mut again, limits)?;
        assert!(written == again, "each writing must give the same");
        Ok((written, rewrite.remaining().is_seven_bit()))
    };
    let written = write();
    assert!(written.is_ok(), "what was located can be written: {written:?}");
    written.unwrap_or_default()
}

fn header(mail: &[u8], limits: &Limits) {
    let Ok(header) = Header::read_from(mail, limits) else { return };
    let fields: Vec<_> = header.fields().map(|field| field.raw).collect();
    let all = [header.mailbox_line(), &fields.concat()].concat();
    let empty = header.raw().strip_prefix(all.as_slice());
    assert!(empty.is_some_and(|empty| matches!(empty, b"" | b"\n" | b"\r\n")), "its fields are all of it");
    drop(Identity::of(&header, &["a@b".to_owned()]).to_string());
    let composed = Composed::for_body(&header, Some(HeaderProtection::Cipher(HeaderConfidentiality::Baseline)));
    for inner in [&composed.inner[..], mail] {
        let Ok(inner) = Header::read_from(inner, limits) else { continue };
        let protected = ProtectedFields::read(&inner, Some(&header));
        drop(protected.as_ref().map(|protected| (protected.differences(&header), protected.recorded())));
        drop(restored(&header, &inner, protected.as_ref()));
    }
}

fn encoded(text: &[u8], step: usize) {
    let pieces = Dribble { octets: Cursor::new(text), step };
    let (mut octets, mut again) = (Vec::new(), Vec::new());
    if base64::Decoder::new(pieces).read_to_end(&mut octets).is_err() {
        return;
    }
    let mut encoder = base64::Encoder::new(Vec::new());
    let written = encoder.write_all(&octets).and_then(|()| encoder.finish());
    assert!(written.is_ok_and(|text| base64::Decoder::new(&text[..]).read_to_end(&mut again).is_ok()));
    assert!(octets == again, "what was decoded is what is encoded");
}

fn places(tree: &Tree) {
    for (index, part) in tree.parts.iter().enumerate() {
        inside(&part.body, &part.entity);
        if let Some(parent) = part.parent.and_then(|parent| tree.parts.get(parent)) {
            inside(&part.entity, &parent.body);
        }
        let end = |part: &Part| part.entity.end;
        let before = tree.parts.get(..index).unwrap_or_default().iter().rfind(|other| other.parent == part.parent);
        assert!(before.is_none_or(|before| end(before) <= part.entity.start), "parts must not overlap");
    }
}

fn inside(inner: &Range<u64>, outer: &Range<u64>) {
    assert!(outer.start <= inner.start && inner.start <= inner.end && inner.end <= outer.end);
}

/// Gives a few octets at a time.
struct Dribble<'a> {
    octets: Cursor<&'a [u8]>,
    step: usize,
}

impl Read for Dribble<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = to.len().min(self.step);
        self.octets.read(to.get_mut(..count).unwrap_or_default())
    }
}

impl Seek for Dribble<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.octets.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn seeds() -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/smime_mime");
        let seeds: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
        assert!(!seeds.is_empty());
        seeds
    }

    #[test]
    fn the_seeds_pass() {
        seeds().iter().for_each(|seed| fuzz(seed));
    }

    proptest! {
        #[test]
        fn changed_seeds_pass(seed: prop::sample::Index, changes in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_usize..40), 1..6)) {
            let seeds = seeds();
            let mut mail = seed.get(&seeds).clone();
            for (from, to, len) in changes {
                let from = from.index(mail.len());
                let piece = mail[from..mail.len().min(from + len)].to_vec();
                let to = to.index(mail.len());
                mail.splice(to..mail.len().min(to + len / 3), piece);
            }
            fuzz(&mail);
        }
    }

    #[test]
    fn mails_of_any_kind_pass() {
        for folder in ["johnny", "thunderbird", "autocrypt-protected-headers"] {
            for (_, mail) in crate::mime::testing::mails(folder) {
                fuzz(&[b"\x07", &mail[..]].concat());
            }
        }
    }
}
