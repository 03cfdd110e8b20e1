//! `sealpost forward bench`: how fast this machine multiplies points, beside curve25519-dalek.

use std::time::{Duration, Instant};

use curve25519_dalek::{MontgomeryPoint, Scalar};
use getrandom::{SysRng, rand_core::UnwrapErr};
use indicatif::{ProgressBar, ProgressStyle};
use sealpost::pre::{self, Point, PointPolicy, ProxyFactor, SubkeySecret};
use sealpost_measure::{Comparison, Measured};
use serde_json::{Map, Value, json};

use crate::{args, output::Output};

/// How many points there are, and how many factors.
const POINTS: usize = 64;
const FACTORS: usize = 1000;
/// Each case: its name for machines and for people, how many points or factors it takes.
const BATCHES: [(&str, &str, usize); 4] =
    [("single", "one point", 1), ("batch8", "8 points", 8), ("batch16", "16 points", 16), ("batch64", "64 points", 64)];
const FANOUT: (&str, &str) = ("fanout1000", "one point, 1000 factors");
/// Long enough that a clock change at its start does not matter.
const TURN: Duration = Duration::from_millis(5);
/// From here on a terminal sees a progress bar.
const LONG: Duration = Duration::from_secs(1);

pub(super) fn run(args: &args::Bench, output: Output) {
    let measured = measure(args.rounds);
    let backend = pre::backend_name();
    let names = BATCHES.iter().map(|(name, ..)| *name).chain([FANOUT.0]);
    let ratios: Map<String, Value> = names
        .zip(measured.iter().skip(1))
        .map(|(name, case)| (name.to_owned(), json!((case.ratio * 1000.0).round() / 1000.0)))
        .collect();
    output.result(&json!({ "ratio_vs_dalek": ratios, "backend": backend }), &table(&measured, backend, args.rounds));
}

fn measure(rounds: u32) -> Vec<Measured> {
    let rng = &mut UnwrapErr(SysRng);
    let points: Vec<Point> = (0..POINTS).map(|_| SubkeySecret::generate(rng).public()).collect();
    let mut factor = || ProxyFactor::compute(&SubkeySecret::generate(rng), &SubkeySecret::generate(rng));
    let factors: Vec<ProxyFactor> = (0..FACTORS).map(|_| factor()).collect();
    let each: Vec<_> = factors.iter().collect();
    let (Some(point), Some(factor)) = (points.first(), factors.first()) else { return Vec::new() };
    let reference = (MontgomeryPoint(*point.as_bytes()), Scalar::from_bytes_mod_order(*factor.expose_bytes()));

    let mut comparison = Comparison::against("curve25519-dalek", 1, || reference.0 * reference.1);
    for (_, name, count) in BATCHES {
        let batch = points.get(..count).unwrap_or_default();
        let operations = u32::try_from(count).unwrap_or(1);
        comparison = comparison.with(name, operations, || factor.transform(batch, PointPolicy::Strict));
    }
    let operations = u32::try_from(FACTORS).unwrap_or(1);
    comparison = comparison.with(FANOUT.1, operations, || pre::transform_each(&each, *point, PointPolicy::Strict));
    let mut progress = Progress::new();
    comparison.rounds(rounds).turn(TURN).run(|done, of| progress.show(done, of))
}

/// A progress bar for a terminal, once it has turned out to take long.
struct Progress {
    start: Instant,
    bar: ProgressBar,
}

impl Progress {
    fn new() -> Self {
        Self { start: Instant::now(), bar: ProgressBar::hidden() }
    }

    fn show(&mut self, done: u32, of: u32) {
        if self.bar.is_hidden() && self.start.elapsed() > LONG {
            self.bar = ProgressBar::new(of.into());
            if let Ok(style) = ProgressStyle::with_template("{bar:40} round {pos} of {len} {eta}") {
                self.bar.set_style(style);
            }
        }
        self.bar.set_position(done.into());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn table(measured: &[Measured], backend: &str, rounds: u32) -> String {
    let mut table = format!("{:<26}{:>10}{:>14}{:>12}\n", "", "µs each", "per second", "speed");
    for case in measured {
        let (name, ratio) = (&case.name, format!("{:.2} x", case.ratio));
        table += &format!("{name:<26}{:>10.2}{:>14.0}{ratio:>12}\n", case.median * 1e6, case.median.recip());
    }
    table
        + &format!(
            "\nOne thread, backend {backend}. Medians of {rounds} rounds in which all take turns; speed is against\n\
             curve25519-dalek's bare multiplication in the same round. Ours refuses crafted points besides.\n"
        )
}
