//! Numbers as octets, 32 of them, little-endian, and as limbs.

use super::{
    Octets,
    field::{LOW_52, Tight},
    lanes::Lanes,
};

/// The most lanes that there are.
pub(super) const LANES: usize = 8;

/// The limbs of a vector of canonical numbers: five limbs of all lanes, of which the first [`Lanes::COUNT`] are used.
pub(super) struct Limbs([[u64; LANES]; 5]);

impl<V: Lanes> Tight<V> {
    /// A number per lane, from canonical octets; lanes without one are 0.
    #[inline(always)]
    pub(super) fn load(numbers: &[&Octets]) -> Self {
        let mut limbs = [[0; LANES]; 5];
        for (lane, number) in numbers.iter().enumerate().take(V::COUNT) {
            for (limb, lanes) in from_octets(number).into_iter().zip(&mut limbs) {
                lanes[lane] = limb;
            }
        }
        let mut number = Self::small(0);
        for (limb, lanes) in number.0.iter_mut().zip(&limbs) {
            *limb = V::load(lanes);
        }
        number
    }

    #[inline(always)]
    pub(super) fn store(self) -> Limbs {
        let [l0, l1, l2, l3, l4] = self.canonical().0;
        Limbs([l0.store(), l1.store(), l2.store(), l3.store(), l4.store()])
    }

    /// The lanes whose number is this small one.
    #[inline(always)]
    pub(super) fn equals(self, small: u64) -> u8 {
        let limbs = self.store();
        let mut mask = 0;
        for lane in 0..V::COUNT {
            let [low, high @ ..] = limbs.lane(lane);
            let differ = high.into_iter().fold(low ^ small, |differ, limb| differ | limb);
            mask |= u8::from(differ == 0) << lane;
        }
        mask
    }
}

impl Limbs {
    pub(super) fn lane(&self, lane: usize) -> [u64; 5] {
        self.0.map(|lanes| lanes[lane])
    }

    pub(super) fn octets(&self, lane: usize) -> Octets {
        let [l0, l1, l2, l3, l4] = self.lane(lane);
        let mut octets = [0; 32];
        let words = [l0 | l1 << 52, l1 >> 12 | l2 << 40, l2 >> 24 | l3 << 28, l3 >> 36 | l4 << 16];
        for (octets, word) in octets.chunks_exact_mut(8).zip(words) {
            octets.copy_from_slice(&word.to_le_bytes());
        }
        octets
    }
}

fn from_octets(octets: &Octets) -> [u64; 5] {
    let word = |at: usize| octets[at..at + 8].iter().rev().fold(0, |word, &octet| word << 8 | u64::from(octet));
    let (w0, w1, w2, w3) = (word(0), word(8), word(16), word(24));
    let middle = [w0 >> 52 | w1 << 12, w1 >> 40 | w2 << 24, w2 >> 28 | w3 << 36].map(|limb| limb & LOW_52);
    let [l1, l2, l3] = middle;
    [w0 & LOW_52, l1, l2, l3, w3 >> 16]
}
