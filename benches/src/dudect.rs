//! Whether times tell two classes of inputs apart: one fixed input, or another one each time.
//!
//! After "Dude, is my code constant time?" (Reparaz, Balasch, Verbauwhede, 2017): Welch's t-test over the times of
//! both classes in random order, for several limits above which a time counts as disturbed. Below 4.5 nothing was
//! found.

use std::{hint::black_box, time::Instant};

use sealpost_measure::median;

/// Above which multiple of the median a time counts as disturbed.
const LIMITS: [f64; 4] = [1.05, 1.2, 2.0, f64::INFINITY];
/// From here on the paper speaks of a leak.
const LEAK: f64 = 4.5;

/// Prints the head of a table.
pub fn headline(headline: &str) {
    println!("### {headline}: Welch's t\n");
    println!("| | times | largest abs(t) | |");
    println!("|---|---|---|---|");
}

/// Measures `call` with so many samples of `inputs` numbered inputs, and prints a line. Number 0 is one class, the
/// others are the other.
pub fn show(name: &str, samples: usize, inputs: usize, call: impl Fn(usize)) {
    let [fixed, random] = times(samples, inputs, call);
    let all = median([&fixed[..], &random].concat());
    let below =
        |times: &[f64], limit: f64| times.iter().copied().filter(|time| *time < all * limit).collect::<Vec<_>>();
    let t = LIMITS.map(|limit| welch(&below(&fixed, limit), &below(&random, limit)).abs());
    let largest = t.into_iter().fold(0.0, f64::max);
    println!("| {name} | {samples} | {largest:.1} | {} |", if largest < LEAK { "nothing found" } else { "differs" });
}

/// Nanoseconds of the fixed input, and of the others.
fn times(samples: usize, inputs: usize, call: impl Fn(usize)) -> [Vec<f64>; 2] {
    let mut times = [Vec::new(), Vec::new()];
    // The order of the classes is made first: no work on it lies between the measurements.
    for choice in choices(samples) {
        let fixed = choice.is_multiple_of(2);
        let which = if fixed { 0 } else { 1 + choice / 2 % (inputs - 1) };
        let start = Instant::now();
        call(black_box(which));
        let [fixed_times, random_times] = &mut times;
        let class = if fixed { fixed_times } else { random_times };
        class.push(start.elapsed().as_secs_f64() * 1e9);
    }
    times
}

/// Random numbers.
fn choices(count: usize) -> Vec<usize> {
    let mut octets = vec![0; count * 2];
    getrandom::fill(&mut octets).unwrap();
    octets.as_chunks().0.iter().map(|pair: &[u8; 2]| usize::from(u16::from_be_bytes(*pair))).collect()
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
