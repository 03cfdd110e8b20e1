//! Whether the time of a transform tells two classes of factors apart: one fixed factor, or another one each time.
//!
//! After "Dude, is my code constant time?" (Reparaz, Balasch, Verbauwhede, 2017): Welch's t-test over the times of
//! both classes in random order, for several limits above which a time counts as disturbed. Below 4.5 nothing was
//! found. The control at the end is a multiplication that leaks; there t must be far above.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench stops where its material is not as it should be"
)]

use std::{hint::black_box, time::Instant};

use sealpost_benches::{factor, point};
use sealpost_measure::median;
use sealpost_pre::{Point, PointPolicy, ProxyFactor, transform_each};

/// How many times are measured.
const SAMPLES: usize = 40_000;
/// Enough factors for a table.
const FAN_OUT: usize = 48;
/// How many factors the second class has.
const FACTORS: usize = 64;
/// Above which multiple of the median a time counts as disturbed.
const LIMITS: [f64; 4] = [1.05, 1.2, 2.0, f64::INFINITY];
/// From here on the paper speaks of a leak.
const LEAK: f64 = 4.5;

fn main() {
    let factors: Vec<ProxyFactor> = (0..FACTORS).map(|_| factor()).collect();
    let fan_point = point();
    println!("### Two classes of factors: Welch's t\n");
    println!("| | times | largest abs(t) | |");
    println!("|---|---|---|---|");
    for (name, count, policy) in [
        ("1 at once, strict", 1, PointPolicy::Strict),
        ("8 at once, strict", 8, PointPolicy::Strict),
        ("1 at once, draft", 1, PointPolicy::Draft),
    ] {
        let points: Vec<Point> = (0..count).map(|_| point()).collect();
        show(name, SAMPLES, |class| drop(black_box(factors[class].transform(&points, policy))));
    }
    let fan =
        |class: usize| drop(black_box(transform_each(&[&factors[class]; FAN_OUT], fan_point, PointPolicy::Strict)));
    show("one by 48 factors, all the same", SAMPLES / 4, fan);
    let octets: Vec<_> = factors.iter().map(ProxyFactor::expose_bytes).collect();
    show("control: stops at the first difference", SAMPLES, |class| {
        black_box(leaky(black_box(&*octets[class]), black_box(&*octets[0])));
    });
    println!();
}

/// A comparison that ends where the values differ, a thousand times.
fn leaky(left: &[u8; 32], right: &[u8; 32]) -> usize {
    let same = |_| black_box(left).iter().zip(black_box(right)).take_while(|(left, right)| left == right).count();
    (0..1000).map(same).sum()
}

fn show(name: &str, samples: usize, call: impl Fn(usize)) {
    let [fixed, random] = times(samples, call);
    let all = median([&fixed[..], &random].concat());
    let below =
        |times: &[f64], limit: f64| times.iter().copied().filter(|time| *time < all * limit).collect::<Vec<_>>();
    let t = LIMITS.map(|limit| welch(&below(&fixed, limit), &below(&random, limit)).abs());
    let largest = t.into_iter().fold(0.0, f64::max);
    println!("| {name} | {samples} | {largest:.1} | {} |", if largest < LEAK { "nothing found" } else { "differs" });
}

/// Nanoseconds of the fixed factor, and of the others.
fn times(samples: usize, call: impl Fn(usize)) -> [Vec<f64>; 2] {
    let mut times = [Vec::new(), Vec::new()];
    // The order of the classes is made first: no work on it lies between the measurements.
    for choice in choices(samples) {
        let class = choice % 2;
        let which = if class == 0 { 0 } else { choice / 2 % FACTORS };
        let start = Instant::now();
        call(black_box(which));
        times[class].push(start.elapsed().as_secs_f64() * 1e9);
    }
    times
}

/// Random numbers.
fn choices(count: usize) -> Vec<usize> {
    let mut octets = vec![0; count * 2];
    getrandom::fill(&mut octets).unwrap();
    octets.chunks(2).map(|pair| usize::from(pair[0]) << 8 | usize::from(pair[1])).collect()
}

/// Welch's t of two samples.
fn welch(a: &[f64], b: &[f64]) -> f64 {
    let [(mean_a, error_a), (mean_b, error_b)] = [a, b].map(mean);
    (mean_a - mean_b) / (error_a + error_b).sqrt()
}

/// The mean, and the square of its standard error.
fn mean(sample: &[f64]) -> (f64, f64) {
    let count = f64::from(u32::try_from(sample.len()).unwrap());
    let mean = sample.iter().sum::<f64>() / count;
    let variance = sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, variance / count)
}
