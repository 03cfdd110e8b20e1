//! The bits of scalars, eight scalars at a time, in the order in which the ladder asks for them.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Octets;

/// How many bits of a clamped scalar are not fixed: bit 254 is 1, bits 2 to 0 are 0.
const STEPS: usize = 251;

/// For the bits from 253 down to 3, and then bit 2, whether they differ from the bit above: bit `i` is for lane `i`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Swaps {
    pub(super) steps: [u8; STEPS],
    pub(super) last: u8,
}

impl Swaps {
    /// The swaps for these scalars, 32 octets each, little-endian; at most 8.
    pub(super) fn new(scalars: &[&Octets]) -> Self {
        let mut octets = [[0_u8; 8]; 32];
        for (lane, scalar) in scalars.iter().enumerate().take(8) {
            let mut above = 0;
            for (row, &octet) in octets.iter_mut().zip(*scalar).rev() {
                // Bit `i` against bit `i + 1`.
                row[lane] = octet ^ (octet >> 1 | above << 7);
                above = octet & 1;
            }
        }
        let mut bits = [0_u8; 256];
        for (bits, octets) in bits.chunks_exact_mut(8).zip(&octets) {
            bits.copy_from_slice(&transpose(u64::from_le_bytes(*octets)).to_le_bytes());
        }
        let mut swaps = Self { steps: [0; STEPS], last: bits[2] };
        swaps.steps.iter_mut().zip(bits[3..254].iter().rev()).for_each(|(to, from)| *to = *from);
        octets.zeroize();
        bits.zeroize();
        swaps
    }
}

/// Turns 8 rows of 8 bits into columns.
fn transpose(mut rows: u64) -> u64 {
    // Exchanges the off-diagonal blocks of 1, 2 and 4 bits.
    for (mask, shift) in [(0x00AA_00AA_00AA_00AA, 7), (0x0000_CCCC_0000_CCCC, 14), (0x0000_0000_F0F0_F0F0, 28)] {
        let differ = (rows ^ (rows >> shift)) & mask;
        rows ^= differ ^ (differ << shift);
    }
    rows
}
