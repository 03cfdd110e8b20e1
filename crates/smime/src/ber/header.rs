//! Identifier and length octets (ITU-T X.690 §8.1.2, §8.1.3).

/// The class of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Universal,
    Application,
    Context,
    Private,
}

/// A tag, and whether what stands behind it is constructed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) class: Class,
    pub(crate) constructed: bool,
    pub(crate) number: u32,
}

impl Tag {
    pub(crate) const INTEGER: Self = Self::universal(2, false);
    pub(crate) const BIT_STRING: Self = Self::universal(3, false);
    pub(crate) const OCTET_STRING: Self = Self::universal(4, false);
    pub(crate) const OID: Self = Self::universal(6, false);
    pub(crate) const SEQUENCE: Self = Self::universal(16, true);
    pub(crate) const SET: Self = Self::universal(17, true);

    const fn universal(number: u32, constructed: bool) -> Self {
        Self { class: Class::Universal, constructed, number }
    }

    /// The context-specific tag `[number]` of something constructed.
    pub(crate) const fn context(number: u32) -> Self {
        Self { class: Class::Context, constructed: true, number }
    }

    /// Whether class and number are the same: strings come primitive or constructed.
    pub(crate) fn same(self, other: Self) -> bool {
        self.class == other.class && self.number == other.number
    }

    /// Whether it is one of the string types and times, which BER may cut into pieces (§8.6, §8.7, §8.23, §8.25).
    pub(super) fn is_string(self) -> bool {
        self.class == Class::Universal && matches!(self.number, 3 | 4 | 7 | 12 | 18..=28 | 30)
    }

    fn is_universal_zero(self) -> bool {
        self.class == Class::Universal && self.number == 0
    }
}

/// What stands in front of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) tag: Tag,
    /// Of the identifier octets.
    pub(super) identifier: usize,
    /// Of identifier and length octets together: at most 133.
    pub(super) octets: usize,
    /// Octets of the value; `None` if end-of-contents ends it.
    pub(super) length: Option<u64>,
    /// Whether it stands as DER would have it.
    pub(super) minimal: bool,
}

impl Header {
    /// Reads the header at the start of `octets`; `None` if there are too few.
    pub(super) fn parse(octets: &[u8]) -> Result<Option<Self>, &'static str> {
        let mut rest = octets.iter().copied();
        let Some(tag) = tag(&mut rest)? else { return Ok(None) };
        let identifier = octets.len() - rest.len();
        let Some((length, minimal)) = length(&mut rest)? else { return Ok(None) };
        let header = Self { tag, identifier, octets: octets.len() - rest.len(), length, minimal };
        if length.is_none() && !tag.constructed {
            return Err("a primitive element has an indefinite length");
        }
        if tag.is_universal_zero() && !header.is_end() {
            return Err("there is no type with the tag 0");
        }
        Ok(Some(header))
    }

    /// Whether it is end-of-contents.
    pub(super) fn is_end(&self) -> bool {
        self.tag.is_universal_zero() && !self.tag.constructed && self.length == Some(0) && self.octets == 2
    }
}

fn tag(octets: &mut impl Iterator<Item = u8>) -> Result<Option<Tag>, &'static str> {
    let Some(first) = octets.next() else { return Ok(None) };
    let class = match first >> 6 {
        0 => Class::Universal,
        1 => Class::Application,
        2 => Class::Context,
        _ => Class::Private,
    };
    let tag = |number| Ok(Some(Tag { class, constructed: first & 0x20 != 0, number }));
    if first & 0x1f != 0x1f {
        return tag(u32::from(first & 0x1f));
    }
    let mut number: u32 = 0;
    loop {
        let Some(octet) = octets.next() else { return Ok(None) };
        if number == 0 && octet == 0x80 {
            return Err("a tag number starts with zero");
        }
        if number > u32::MAX >> 7 {
            return Err("a tag number has more than 32 bits");
        }
        number = number << 7 | u32::from(octet & 0x7f);
        if octet & 0x80 == 0 {
            return if number < 31 { Err("a small tag number is written in the long form") } else { tag(number) };
        }
    }
}

/// A length, and whether it is minimal.
type Length = (Option<u64>, bool);

fn length(octets: &mut impl Iterator<Item = u8>) -> Result<Option<Length>, &'static str> {
    let Some(first) = octets.next() else { return Ok(None) };
    match first {
        0..0x80 => return Ok(Some((Some(first.into()), true))),
        0x80 => return Ok(Some((None, false))),
        0xff => return Err("a length starts with the reserved octet FF"),
        _ => {}
    }
    let mut length: u64 = 0;
    let mut minimal = true;
    for place in 0..first & 0x7f {
        let Some(octet) = octets.next() else { return Ok(None) };
        if length > u64::MAX >> 8 {
            return Err("a length has more than 64 bits");
        }
        length = length << 8 | u64::from(octet);
        minimal &= place > 0 || octet != 0;
    }
    Ok(Some((Some(length), minimal && length > 0x7f)))
}

/// Identifier and length octets as DER writes them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    octets: [u8; 10],
    len: usize,
}

impl AsRef<[u8]> for Head {
    fn as_ref(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }
}

/// The header, as DER writes it, of a value of `len` octets. The tag number must be below 31.
pub(crate) fn header(tag_octet: u8, len: u64) -> Head {
    let mut octets = [0; 10];
    let mut at = 0;
    let mut put = |octet| {
        if let Some(place) = octets.get_mut(at) {
            *place = octet;
            at += 1;
        }
    };
    put(tag_octet);
    let [.., low] = len.to_be_bytes();
    if len < 0x80 {
        put(low);
    } else {
        let significant = len.to_be_bytes().into_iter().skip_while(|octet| *octet == 0);
        // At most eight.
        put(0x80 | u8::try_from(significant.clone().count()).unwrap_or_default());
        significant.for_each(&mut put);
    }
    Head { octets, len: at }
}

/// How many octets DER takes for an element with a value of `len` octets and a tag of one octet.
pub(crate) fn element_len(len: u64) -> u64 {
    let octets = if len < 0x80 { 1 } else { 1 + u64::from((64 - len.leading_zeros()).div_ceil(8)) };
    len.saturating_add(1 + octets)
}
