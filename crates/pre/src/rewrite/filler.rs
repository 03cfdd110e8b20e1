//! Packets that every reader must skip, to fill a gap: Marker packets
//! ([RFC 9580 §5.8](https://www.rfc-editor.org/rfc/rfc9580#section-5.8)).
//!
//! A dropped packet is overwritten with them, so that no length in the message changes.

use alloc::{vec, vec::Vec};

use crate::packet::{new_header, tag};

/// Marker packets of 5, 6, 8 and 9 octets: the same body behind headers of all lengths.
const MARKERS: [&[u8]; 4] = [b"\xCA\x03PGP", b"\xA9\0\x03PGP", b"\xAA\0\0\0\x03PGP", b"\xCA\xFF\0\0\0\x03PGP"];

/// Whether Marker packets alone can fill `len` octets.
fn fits(len: usize) -> bool {
    !matches!(len, 1..=4 | 7)
}

/// Packets of `len` octets in all that readers skip. There are none of less than 2 octets.
pub(super) fn filler(len: usize) -> Vec<u8> {
    if !fits(len) {
        // A Padding packet (RFC 9580, section 5.14), which older readers skip as unknown.
        let (header, n) = new_header(tag::PADDING, len.saturating_sub(2));
        let mut padding = vec![0; len];
        padding.iter_mut().zip(header.iter().take(n)).for_each(|(to, from)| *to = *from);
        return padding;
    }
    let [five, six, eight, nine] = MARKERS;
    let mut packets = Vec::with_capacity(len);
    match len % 5 {
        1 => packets.extend_from_slice(six),
        2 => packets.extend([six, six].concat()),
        3 => packets.extend_from_slice(eight),
        4 => packets.extend_from_slice(nine),
        _ => {}
    }
    while packets.len() < len {
        packets.extend_from_slice(five);
    }
    packets
}

/// The shortest length for [`filler`] that brings `len` to a multiple of `unit`.
pub(super) fn padding(len: usize, unit: usize) -> usize {
    let gap = len.next_multiple_of(unit) - len;
    if fits(gap) { gap } else { gap + unit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Packets;

    #[test]
    fn every_length_is_filled_with_packets_to_skip() {
        for len in (2..300).chain([1000, 8390, 70000]) {
            let bytes = filler(len);
            assert_eq!(bytes.len(), len);
            let mut packets = Packets::new(&bytes);
            while let Some(packet) = packets.next().unwrap() {
                assert!(packet.tag == tag::MARKER && packet.body == b"PGP" || !fits(len) && packet.tag == tag::PADDING);
            }
        }
    }

    #[test]
    fn padding_reaches_the_next_multiple_that_can_be_filled() {
        for len in 0..200 {
            let gap = padding(len, 48);
            assert_eq!((len + gap) % 48, 0);
            assert!(fits(gap) && gap < 48 + 8);
        }
    }
}
