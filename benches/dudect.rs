//! Whether the time of a transform tells two classes of factors apart: one fixed factor, or another one each time. The
//! control at the end is a multiplication that leaks; there t must be far above.

#![forbid(unsafe_code)]
#![expect(clippy::indexing_slicing, reason = "a bench stops where its material is not as it should be")]

use std::hint::black_box;

use sealpost_benches::{
    dudect::{headline, show},
    factor, point,
};
use sealpost_pre::{Point, PointPolicy, ProxyFactor, transform_each};

/// How many times are measured.
const SAMPLES: usize = 40_000;
/// Enough factors for a table.
const FAN_OUT: usize = 48;
/// How many factors the second class has.
const FACTORS: usize = 64;
fn main() {
    let factors: Vec<ProxyFactor> = (0..FACTORS).map(|_| factor()).collect();
    let fan_point = point();
    headline("Two classes of factors");
    for (name, count, policy) in [
        ("1 at once, strict", 1, PointPolicy::Strict),
        ("8 at once, strict", 8, PointPolicy::Strict),
        ("1 at once, draft", 1, PointPolicy::Draft),
    ] {
        let points: Vec<Point> = (0..count).map(|_| point()).collect();
        show(name, SAMPLES, FACTORS, |class| drop(black_box(factors[class].transform(&points, policy))));
    }
    let fan =
        |class: usize| drop(black_box(transform_each(&[&factors[class]; FAN_OUT], fan_point, PointPolicy::Strict)));
    show("one by 48 factors, all the same", SAMPLES / 4, FACTORS, fan);
    let octets: Vec<_> = factors.iter().map(ProxyFactor::expose_bytes).collect();
    show("control: stops at the first difference", SAMPLES, FACTORS, |class| {
        black_box(leaky(black_box(&*octets[class]), black_box(&*octets[0])));
    });
    println!();
}

/// A comparison that ends where the values differ, a thousand times.
fn leaky(left: &[u8; 32], right: &[u8; 32]) -> usize {
    let same = |_| black_box(left).iter().zip(black_box(right)).take_while(|(left, right)| left == right).count();
    (0..1000).map(same).sum()
}
