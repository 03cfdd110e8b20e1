//! Many points, one scalar each.

use alloc::vec::Vec;

use super::{Octets, field::Tight, ladder::ladder, lanes::Lanes, power::character_and_inverse, swaps::Swaps};

/// `K'·P` for each clamped scalar and each canonical u-coordinate: 32 octets each, little-endian.
///
/// Nothing for a point that is on the twist, or whose product is the identity.
#[inline(always)]
pub(super) fn multiply<V: Lanes>(scalars: &[&Octets], points: &[&Octets]) -> Vec<Option<Octets>> {
    let mut products = Vec::with_capacity(points.len());
    for (scalars, points) in scalars.chunks(2 * V::COUNT).zip(points.chunks(2 * V::COUNT)) {
        if points.len() > V::COUNT {
            multiply_vectors::<V, 2>(scalars, points, &mut products);
        } else {
            multiply_vectors::<V, 1>(scalars, points, &mut products);
        }
    }
    products
}

/// As many as fit into so many vectors. Their ladders run one after the other, their inversions side by side.
#[inline(always)]
fn multiply_vectors<V: Lanes, const N: usize>(
    scalars: &[&Octets],
    points: &[&Octets],
    products: &mut Vec<Option<Octets>>,
) {
    let zero = Tight::small(0);
    let (mut squares, mut numerators) = ([zero; N], [zero; N]);
    for (at, (scalars, points)) in scalars.chunks(V::COUNT).zip(points.chunks(V::COUNT)).enumerate() {
        let u = Tight::<V>::load(points);
        let point = ladder(u, &Swaps::new(scalars));
        let (x, z) = (point.x.wide().tight(), point.z.tight());
        // One power serves for the check and for the inverse: right·Z² has the character of `right`, and its
        // inverse times right·Z is 1/Z.
        let right_z = u.right_side().mul(z).tight();
        squares[at] = right_z.mul(z).tight();
        numerators[at] = right_z.mul(x).tight();
    }
    let (characters, inverses) = character_and_inverse(squares);
    for (at, points) in points.chunks(V::COUNT).enumerate() {
        let on_curve = characters[at].equals(1);
        let product = numerators[at].mul(inverses[at]).tight().store();
        for lane in 0..points.len() {
            products.push((on_curve >> lane & 1 == 1).then(|| product.octets(lane)));
        }
    }
}
