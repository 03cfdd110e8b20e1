//! Multiplying points of Curve25519: ours, and what others call X25519.
//!
//! The others do less: X25519 clamps its key and checks nothing but (aws-lc) that the result is not zero; ours
//! multiplies by any factor, and refuses or neutralises crafted points.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench stops where its material is not as it should be"
)]

use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use curve25519_dalek::{MontgomeryPoint, Scalar};
use sealpost_benches::{factor, point, print};
use sealpost_measure::Comparison;
use sealpost_pre::{Point, PointPolicy, ProxyFactor, backend_name, transform_each};
use x25519_dalek::{PublicKey, StaticSecret};

const BATCHES: [usize; 5] = [1, 8, 16, 64, 256];
const FANOUTS: [usize; 3] = [16, 100, 1000];

fn main() {
    let points: Vec<Point> = (0..256).map(|_| point()).collect();
    let factors: Vec<ProxyFactor> = (0..1000).map(|_| factor()).collect();
    let (u, k) = (*points[0].as_bytes(), *factors[0].expose_bytes());

    let (dalek_point, scalar) = (MontgomeryPoint(u), Scalar::from_bytes_mod_order(k));
    let (public, secret) = (PublicKey::from(u), StaticSecret::from(k));
    let key = PrivateKey::from_private_key(&X25519, &k).unwrap();
    let agree =
        || agree(&key, UnparsedPublicKey::new(&X25519, u), (), |shared| <[u8; 32]>::try_from(shared).map_err(drop));

    let mut comparison =
        Comparison::against("curve25519-dalek 5, `MontgomeryPoint * Scalar`", 1, || dalek_point * scalar)
            .with("x25519-dalek 3, `diffie_hellman`", 1, || secret.diffie_hellman(&public))
            .with("aws-lc-rs 1.19, `agreement::agree`", 1, agree);
    for count in BATCHES {
        let (batch, factor) = (&points[..count], &factors[0]);
        let call = || factor.transform(batch, PointPolicy::Strict);
        comparison = comparison.with(format!("sealpost, {count} at once"), u32::try_from(count).unwrap(), call);
    }
    for count in FANOUTS {
        let (factors, point) = (&factors[..count], points[0]);
        let factors: Vec<_> = factors.iter().collect();
        let call = move || transform_each(&factors, point, PointPolicy::Strict);
        comparison = comparison.with(format!("sealpost, one by {count} factors"), u32::try_from(count).unwrap(), call);
    }
    print(&format!("Multiplications on one thread; sealpost: {}", backend_name()), comparison);
}
