//! One pass over the body of an entity, in which all its regions are looked at.

use std::{
    io::{Read, Seek},
    ops::Range,
};

use super::{
    claim::Claim,
    hazards::{Hazards, Look},
    transfer,
    tree::{Shape, Tree},
    window::Window,
};
use crate::{Error, Result};

/// Octets that are judged together. Regions do not overlap.
#[derive(Clone, Debug)]
pub(super) struct Region {
    /// Of which part.
    pub(super) part: usize,
    pub(super) role: Role,
    pub(super) place: Range<u64>,
}

/// What a region is of its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The header, which only loses carriage returns that end no line.
    Header,
    /// What can't be changed: all of what is protected already, what nobody looks into, and delimiters.
    Fixed,
    /// The body of a part that has no parts.
    Leaf,
    /// What stands in front of the first part, or behind the last.
    Around,
}

/// The regions of an entity in their order, but for its own header.
pub(super) fn regions(tree: &Tree) -> Vec<Region> {
    let mut regions = Vec::new();
    let mut sealed = vec![false; tree.parts.len()];
    for (index, part) in tree.parts.iter().enumerate() {
        let in_sealed = part.parent.and_then(|parent| sealed.get(parent)).copied().unwrap_or_default();
        let protected = !matches!(part.claim, Claim::None);
        if let Some(sealed) = sealed.get_mut(index) {
            *sealed = in_sealed || protected;
        }
        if in_sealed {
            // It is looked at with what seals it.
            continue;
        }
        let (entity, body) = (&part.entity, &part.body);
        let mut add = |role, place| regions.push(Region { part: index, role, place });
        // The root's own header is another one afterwards.
        let start = if index == 0 { body.start } else { entity.start };
        if protected {
            add(Role::Fixed, start..body.end);
            continue;
        }
        add(Role::Header, start..body.start);
        match part.shape {
            Shape::Message => {}
            Shape::TooDeep | Shape::Broken => add(Role::Fixed, body.clone()),
            Shape::Multipart { preamble, epilogue } => {
                add(Role::Around, body.start..preamble.unwrap_or(body.end));
                add(Role::Around, epilogue.unwrap_or(body.end)..body.end);
            }
            Shape::Leaf => add(Role::Leaf, body.clone()),
        }
    }
    with_delimiters(tree, regions)
}

/// Fills the gaps between regions: delimiters, of the parts that they divide.
fn with_delimiters(tree: &Tree, mut regions: Vec<Region>) -> Vec<Region> {
    let Some(body) = tree.root().map(|root| &root.body) else { return regions };
    regions.sort_by_key(|region| (region.place.start, region.place.end));
    let mut all = Vec::with_capacity(regions.len() * 2);
    let mut at = body.start;
    for region in regions {
        if at < region.place.start {
            let inner = tree.parts.get(region.part).filter(|_| region.role != Role::Around);
            let part = inner.map_or(region.part, |inner| inner.parent.unwrap_or_default());
            all.push(Region { part, role: Role::Fixed, place: at..region.place.start });
        }
        at = at.max(region.place.end);
        all.push(region);
    }
    if at < body.end {
        all.push(Region { part: 0, role: Role::Fixed, place: at..body.end });
    }
    all
}

/// Reads a body once, and says of all its regions what is in them.
///
/// # Errors
///
/// [`Error::Read`].
pub(super) fn survey<M: Read + Seek>(
    mail: M,
    body: Range<u64>,
    regions: Vec<Region>,
) -> Result<Vec<(Region, Hazards)>> {
    let mut found = Vec::with_capacity(regions.len());
    let mut regions = regions.into_iter().peekable();
    let (mut at, mut look) = (body.start, Look::default());
    let mut window = Window::new(mail, body).map_err(Error::Read)?;
    transfer::each(&mut window, &mut |octets| {
        let end = at + u64::try_from(octets.len()).unwrap_or_default();
        while let Some(region) = regions.next_if(|region| region.place.end <= end) {
            look.take(part_of(octets, at, &region.place));
            found.push((region, std::mem::take(&mut look).finish()));
        }
        if let Some(region) = regions.peek() {
            look.take(part_of(octets, at, &region.place));
        }
        at = end;
        Ok(())
    })?;
    found.extend(regions.map(|region| (region, std::mem::take(&mut look).finish())));
    Ok(found)
}

/// What of octets that stand at a place belongs to a range.
fn part_of<'a>(octets: &'a [u8], at: u64, range: &Range<u64>) -> &'a [u8] {
    let offset = |place: u64| usize::try_from(place.saturating_sub(at)).map_or(octets.len(), |at| at.min(octets.len()));
    octets.get(offset(range.start)..offset(range.end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{
        Limits,
        mime::testing::{len, made},
    };

    proptest! {
        #[test]
        fn regions_are_apart_and_seen_whole(made in made(), pieces in vec(0_usize..90, 0..40)) {
            let text = made.compose("\r\n").text;
            // Damaged too: with pieces of itself elsewhere.
            let damaged = pieces.iter().fold(text.clone(), |mut text, piece| {
                let at = text.len() * piece / 90;
                let cut = text.split_off(at);
                [cut, text].concat()
            });
            for text in [text, damaged] {
                let tree = Tree::read_from(&text[..], 0..len(&text), &Limits::default()).unwrap();
                let body = tree.root().unwrap().body.clone();
                let found = survey(Cursor::new(&text), body.clone(), regions(&tree)).unwrap();
                let slice = |range: &Range<u64>| &text[range.start.try_into().unwrap()..range.end.try_into().unwrap()];
                prop_assert_eq!(found.len(), regions(&tree).len());
                let ends = (found.first().unwrap().0.place.start, found.last().unwrap().0.place.end);
                prop_assert_eq!(ends, (body.start, body.end));
                for pair in found.windows(2) {
                    prop_assert_eq!(pair[0].0.place.end, pair[1].0.place.start);
                }
                for (region, hazards) in found {
                    prop_assert!(body.start <= region.place.start && region.place.end <= body.end);
                    prop_assert_eq!(hazards, Hazards::of(slice(&region.place)).unwrap());
                }
            }
        }
    }
}
