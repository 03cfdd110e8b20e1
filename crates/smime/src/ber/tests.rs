//! Tests of the reader and of the way to DER, over trees in any encoding.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

/// Elements without their encoding.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// A primitive element that is no string.
    Value(Vec<u8>, Vec<u8>),
    /// A string that may come in pieces.
    Text(u8, Vec<u8>),
    Constructed(Vec<u8>, Vec<Node>),
}

fn trees() -> impl Strategy<Value = Node> {
    let octets = || prop::collection::vec(any::<u8>(), 0..300);
    let value =
        (prop::sample::select(vec![vec![2], vec![6], vec![0x81], vec![0x9f, 0x1f], vec![0xdf, 0x83, 0x05]]), octets())
            .prop_map(|(tag, value)| Node::Value(tag, value));
    let text = (prop::sample::select(vec![3, 4, 12, 19, 22, 23, 30]), octets()).prop_map(|(tag, mut value)| {
        if tag == 3 {
            value.insert(0, 5);
            if value.len() == 1 {
                value[0] = 0;
            }
        }
        Node::Text(tag, value)
    });
    prop_oneof![value, text].prop_recursive(6, 60, 6, |inner| {
        let tags = prop::sample::select(vec![vec![0x30], vec![0x31], vec![0xa0], vec![0xa3], vec![0xbf, 0x81, 0x00]]);
        (tags, prop::collection::vec(inner, 0..6)).prop_map(|(tag, inner)| Node::Constructed(tag, inner))
    })
}

/// A supply of decisions; always the plainest one at its end.
struct Choices(std::vec::IntoIter<u8>);

impl Choices {
    fn of(&mut self, count: u8) -> u8 {
        self.0.next().unwrap_or(0) % count
    }
}

fn put(tag: &[u8], value: &[u8], choices: &mut Choices) -> Vec<u8> {
    let tag_then = |rest: &[&[u8]]| [tag, &rest.concat()].concat();
    let len = u64::try_from(value.len()).unwrap().to_be_bytes();
    match choices.of(if tag[0] & 0x20 == 0 { 4 } else { 6 }) {
        1 => tag_then(&[&[0x88], &len, value]),
        2 => tag_then(&[&[0x83], &len[5..], value]),
        3 => tag_then(&[&[0xfe], &[0; 118], &len, value]),
        4.. => tag_then(&[&[0x80], value, &[0, 0]]),
        _ => tag_then(&[&header(0, value.len().try_into().unwrap()).as_ref()[1..], value]),
    }
}

/// Pieces of a string.
fn pieces(tag: u8, value: &[u8], choices: &mut Choices, depth: u8) -> Vec<u8> {
    let (unused, mut rest) = if tag == 3 { value.split_at(1) } else { value.split_at(0) };
    let piece_tag = if tag == 3 { 3 } else { 4 };
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.len().min(usize::from(choices.of(200)) + 1));
        rest = later;
        let piece = match (piece_tag, rest.is_empty()) {
            (4, _) => now.to_vec(),
            (_, true) => [unused, now].concat(),
            (_, false) => [&[0], now].concat(),
        };
        let nested = depth < 5 && choices.of(4) == 1;
        out.extend(if nested {
            let inner = pieces(piece_tag, &piece, choices, depth + 1);
            put(&[piece_tag | 0x20], &inner, choices)
        } else {
            put(&[piece_tag], &piece, choices)
        });
        if piece_tag == 4 && choices.of(8) == 1 {
            out.extend([4, 0]);
        }
    }
    out
}

fn ber(node: &Node, choices: &mut Choices) -> Vec<u8> {
    match node {
        Node::Value(tag, value) => put(tag, value, choices),
        Node::Text(tag, value) if choices.of(3) == 1 => {
            let inner = pieces(*tag, value, choices, 0);
            put(&[tag | 0x20], &inner, choices)
        }
        Node::Text(tag, value) => put(&[*tag], value, choices),
        Node::Constructed(tag, inner) => {
            let inner: Vec<u8> = inner.iter().flat_map(|node| ber(node, choices)).collect();
            put(tag, &inner, choices)
        }
    }
}

fn der(node: &Node) -> Vec<u8> {
    ber(node, &mut Choices(vec![].into_iter()))
}

/// Gives a few octets at a time.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = into.len().min(self.1);
        self.0.read(&mut into[..count])
    }
}

fn reader(octets: &[u8]) -> Reader<&[u8]> {
    Reader::new(octets, &Limits::default())
}

fn nodes<R: Read>(reader: &mut Reader<R>) -> Result<Vec<Node>> {
    let mut found = Vec::new();
    while let Some(tag) = reader.peek()? {
        let number = u8::try_from(tag.number & 0xff).unwrap();
        found.push(if tag.same(Tag::OCTET_STRING) {
            let mut value = Vec::new();
            let count = reader.octets(&mut |octets| {
                value.extend_from_slice(octets);
                Ok(())
            })?;
            assert_eq!(count, wide(value.len()));
            Node::Text(number, value)
        } else if tag.is_string() || !tag.constructed {
            let element = reader.element()?;
            let element = to_der(&element, &Limits::default())?;
            let header = Header::parse(&element).unwrap().unwrap();
            let value = element[header.octets..].to_vec();
            if tag.is_string() {
                Node::Text(number, value)
            } else {
                Node::Value(element[..header.identifier].to_vec(), value)
            }
        } else {
            reader.enter()?;
            let inner = nodes(reader)?;
            reader.leave()?;
            let class = if tag.class == Class::Context { 0xa0 } else { 0x20 };
            let identifier = match u8::try_from(tag.number) {
                Ok(number) if number < 31 => vec![class | number],
                _ => vec![class | 31, 0x80 | u8::try_from(tag.number >> 7 & 127).unwrap(), number & 127],
            };
            Node::Constructed(identifier, inner)
        });
    }
    Ok(found)
}

proptest! {
    #[test]
    fn every_encoding_of_a_tree_gives_the_tree_and_its_der(
        tree in trees(),
        choices in prop::collection::vec(any::<u8>(), 0..500),
        step in 1..200_usize,
    ) {
        let encoded = ber(&tree, &mut Choices(choices.into_iter()));
        let expected = der(&tree);
        let limits = Limits::default();
        prop_assert_eq!(&*to_der(&encoded, &limits).unwrap(), &expected[..]);
        prop_assert!(matches!(to_der(&expected, &limits).unwrap(), Cow::Borrowed(same) if same == expected));
        let mut reader = Reader::new(Dribble(&encoded, step), &limits);
        prop_assert_eq!(nodes(&mut reader).unwrap(), vec![tree]);
        prop_assert!(reader.finish().is_ok());
        reader.finish().unwrap();
        let mut reader = Reader::new(Dribble(&encoded, step), &limits);
        prop_assert_eq!(&reader.element().unwrap(), &encoded);
        prop_assert!(reader.peek().unwrap().is_none());
    }

    #[test]
    fn an_element_that_ends_early_is_an_error(
        tree in trees(),
        choices in prop::collection::vec(any::<u8>(), 0..500),
        cut in any::<prop::sample::Index>(),
    ) {
        let encoded = ber(&tree, &mut Choices(choices.into_iter()));
        let cut = &encoded[..cut.index(encoded.len())];
        prop_assert!(to_der(cut, &Limits::default()).is_err());
        prop_assert!(reader(cut).skip().is_err());
        prop_assert!(reader(cut).element().is_err());
        prop_assert!(cut.is_empty() || nodes(&mut reader(cut)).is_err());
    }

    #[test]
    fn any_octets_and_any_calls_end(
        octets in prop::collection::vec(prop::sample::select(vec![0, 0, 1, 2, 3, 4, 0x23, 0x24, 0x30, 0x80, 0x81, 0x82, 0xa0, 0xbf, 0xff]), 0..200),
        calls in prop::collection::vec(0..6, 0..60),
    ) {
        if let Ok(der) = to_der(&octets, &Limits::default()) {
            prop_assert!(matches!(to_der(&der, &Limits::default()), Ok(Cow::Borrowed(_))));
        }
        drop(nodes(&mut reader(&octets)));
        let mut reader = reader(&octets);
        for call in calls {
            let _ = match call {
                0 => reader.peek().map(drop),
                1 => reader.enter(),
                2 => reader.leave(),
                3 => reader.skip(),
                4 => reader.element().map(drop),
                _ => reader.octets(&mut |_| Ok(())).map(drop),
            };
        }
    }
}

fn wrong_at(octets: &[u8]) -> (u64, &'static str) {
    let mut reader = reader(octets);
    let by_reader = nodes(&mut reader).and_then(|_| reader.finish()).unwrap_err();
    assert!(to_der(octets, &Limits::default()).is_err(), "{octets:x?}");
    match by_reader {
        Error::Encoding { offset, what, .. } => (offset, what),
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_no_ber_is_refused_with_its_place() {
    let cases: [(&[u8], u64, &str); 15] = [
        (&[0x30, 3, 4, 2, 7], 2, BEYOND),
        (&[0x30, 5, 0x30, 0x80, 4, 2, 7, 7, 0, 0], 4, BEYOND),
        (&[0x30, 2, 0, 0], 2, STRAY_END),
        (&[0, 0], 0, STRAY_END),
        (&[0x30, 0x80, 0, 1, 7, 0, 0], 2, "there is no type with the tag 0"),
        (&[0x30, 0x80, 0, 0x81, 0, 0, 0], 2, "there is no type with the tag 0"),
        (&[0x30, 0x80, 0x20, 0, 0, 0], 2, "there is no type with the tag 0"),
        (&[4, 0x80, 0, 0], 0, "a primitive element has an indefinite length"),
        (&[0x30, 0xff, 1], 0, "a length starts with the reserved octet FF"),
        (&[0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0], 0, "a length has more than 64 bits"),
        (&[0xbf, 0x1e, 0], 0, "a small tag number is written in the long form"),
        (&[0xbf, 0x80, 0x7f, 0], 0, "a tag number starts with zero"),
        (&[0xbf, 0x9f, 0xff, 0xff, 0xff, 0x7f, 0], 0, "a tag number has more than 32 bits"),
        (&[0x24, 2, 2, 0], 2, PIECE),
        (&[0x30, 0x80, 4, 1, 7], 5, TRUNCATED),
    ];
    for (octets, offset, what) in cases {
        assert_eq!(wrong_at(octets), (offset, what), "{octets:x?}");
    }
    assert!(to_der(&[0x23, 6, 3, 2, 1, 0, 3, 0], &Limits::default()).is_err());
    assert_eq!(&*to_der(&[0x23, 0], &Limits::default()).unwrap(), [3, 1, 0]);
    assert_eq!(reader(&[0xbf, 0x8f, 0xff, 0xff, 0xff, 0x7f, 0]).peek().unwrap().unwrap().number, u32::MAX);
}

#[test]
fn only_padding_may_follow() {
    let mut element = reader(b"\x30\x00\r\n\0\0 ");
    element.skip().unwrap();
    element.finish().unwrap();
    let mut element = reader(b"\x30\x00\r\nx");
    element.skip().unwrap();
    assert!(matches!(element.finish(), Err(Error::Encoding { offset: 4, .. })));
}

#[test]
fn nesting_has_a_limit() {
    let limits = Limits { depth: 8, ..Limits::default() };
    let nested = |count| [vec![[0x30, 0x80]; count].concat(), vec![0; 2 * count]].concat();
    for (count, deep) in [(8, false), (9, true)] {
        let nested = nested(count);
        assert_eq!(matches!(to_der(&nested, &limits), Err(Error::Limit { limit: 8, .. })), deep);
        assert_eq!(matches!(Reader::new(&nested[..], &limits).skip(), Err(Error::Limit { limit: 8, .. })), deep);
        assert_eq!(nodes(&mut Reader::new(&nested[..], &limits)).is_err(), deep);
    }
    let strings = [[[0x24, 0x80]; 9].concat(), vec![0; 18]].concat();
    assert!(Reader::new(&strings[..], &limits).octets(&mut |_| Ok(())).is_err());
    assert!(to_der(&strings, &limits).is_err());
}

#[test]
fn what_is_held_has_a_limit() {
    let limits = Limits { structure: 100, ..Limits::default() };
    // All elements share the limit; those that are passed over do not count.
    let elements = [&[4, 58][..], &[7; 58], &[4, 99], &[7; 99], &[0x24, 0x80, 4, 35], &[7; 35], &[0, 0]].concat();
    let mut elements = Reader::new(&elements[..], &limits);
    assert_eq!(elements.element().unwrap().len(), 60);
    elements.skip().unwrap();
    assert!(matches!(elements.element(), Err(Error::Limit { limit: 100, .. })));
    // A length alone takes no memory.
    assert!(matches!(reader(&[4, 0x84, 0xff, 0xff, 0xff, 0xff]).element(), Err(Error::Limit { .. })));
}

#[test]
fn what_is_longer_than_asked_for_is_passed_over() {
    for (element, len) in [(&[0x24, 0x80, 4, 1, 7, 0, 0][..], 7), (&[4, 3, 7, 7, 7], 5)] {
        let two = element.repeat(2);
        let mut two = reader(&two);
        assert_eq!(two.element_up_to(len - 1).unwrap(), None);
        assert_eq!(two.element_up_to(len).unwrap().unwrap(), element);
        assert_eq!(two.peek().unwrap(), None);
    }
}

#[test]
fn a_million_elements_in_one_are_no_burden() {
    let limits = Limits::default();
    let many = [vec![0x30, 0x80], vec![[0x30, 0x80, 0, 0]; 1 << 20].concat(), vec![0, 0]].concat();
    let der = to_der(&many, &limits).unwrap();
    assert_eq!(der.len(), 2 + 3 + (2 << 20));
    Reader::new(&many[..], &limits).skip().unwrap();
    let pieces = [vec![0x24, 0x80], [4, 1, 7].repeat(1 << 20), vec![0, 0]].concat();
    assert_eq!(Reader::new(&pieces[..], &limits).octets(&mut |_| Ok(())).unwrap(), 1 << 20);
    assert_eq!(to_der(&pieces, &limits).unwrap()[1..5], [0x83, 0x10, 0, 0]);
}

#[test]
fn headers_have_the_shortest_length() {
    for len in [0, 127, 128, 255, 256, 65535, 65536, u64::from(u32::MAX), 1 << 32, u64::MAX] {
        let written = header(0x30, len);
        let read = Header::parse(written.as_ref()).unwrap().unwrap();
        assert_eq!((read.tag, read.length, read.minimal), (Tag::SEQUENCE, Some(len), true));
        assert_eq!(element_len(len), len.saturating_add(wide(written.as_ref().len())));
    }
}
