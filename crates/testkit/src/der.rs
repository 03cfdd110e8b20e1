//! DER, for what tests make themselves.

/// An element: its tag, its length, and its value in parts.
#[must_use]
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let len = value.len().to_be_bytes();
    let zeros = len.iter().take_while(|octet| **octet == 0).count();
    let len = match &len[zeros..] {
        [] => vec![0],
        [short @ 0..0x80] => vec![*short],
        long => [&[0x80 | u8::try_from(long.len()).unwrap_or_default()], long].concat(),
    };
    [&[tag][..], &len, &value].concat()
}
