//! The functions that take secrets, each as something to run on a given secret.

mod any;
mod control;
mod rng;

use sealpost_pre::{
    Fingerprint,
    GroupId::{Curve25519, P256, P384},
    Instance, Point, PointPolicy, ProxyFactor, SubkeySecret, checks, transform_each,
};

use rng::Fixed;

/// What gives the secret octets of a run: both subkeys' secrets come from it.
pub type Seed = [u8; 32];
/// Told of the octets that are secret.
pub type Hide = fn(&[u8]);
/// What is watched, with its secrets inside; gives the octets of the result.
pub type Run = Box<dyn FnOnce() -> Vec<u8>>;

/// A function that takes a secret.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Subject {
    /// Its name on the command line and in the baselines.
    pub name: &'static str,
    /// Makes ready what is watched.
    pub prepare: fn(Seed, Hide) -> Run,
    /// How often Valgrind sees it decide by what is secret.
    pub decisions: Decisions,
}

/// How often a function decides by what is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decisions {
    /// Never.
    None,
    /// So often, and what it decides is public: whether a value that is read is valid.
    Public(usize),
    /// At each character of a text: whether the text ends there, which is public. Only [traces](crate::step) tell
    /// more: that all characters but those that end it are treated alike.
    Syntax,
    /// It leaks: a control.
    Leaks,
}

/// All subjects, then the controls.
pub const SUBJECTS: [Subject; 38] = [
    subject("compute", Decisions::None, compute),
    subject("compose", Decisions::None, compose),
    subject("verify", Decisions::None, verify),
    subject("generate", Decisions::None, generate),
    subject("strict-1", Decisions::None, |seed, hide| transform(seed, hide, 1, PointPolicy::Strict)),
    subject("strict-8", Decisions::None, |seed, hide| transform(seed, hide, 8, PointPolicy::Strict)),
    subject("draft-1", Decisions::None, |seed, hide| transform(seed, hide, 1, PointPolicy::Draft)),
    subject("draft-8", Decisions::None, |seed, hide| transform(seed, hide, 8, PointPolicy::Draft)),
    // Whether the factor has a key of 255 bits: all have, but one in 2^124.
    subject("x25519-key", Decisions::Public(1), x25519_key),
    // That, and for each of the two points whether it is on the curve.
    subject("kernel-lane", Decisions::Public(3), kernel_lane),
    subject("kernel-lane-each", Decisions::None, kernel_lane_each),
    subject("each-48", Decisions::None, each),
    subject("factor-from-bytes", Decisions::Public(1), factor_from_bytes),
    subject("factor-from-hex", Decisions::Public(2), factor_from_hex),
    subject("instance-from-bytes", Decisions::Public(1), instance_from_bytes),
    subject("instance-from-json", Decisions::Syntax, instance_from_json),
    // A factor that is read is judged: whether its digits are digits, and whether it is in range. So is a secret, and what
    // is drawn for a share: those draws that are not kept tell nothing of the one that is.
    subject("curve25519-compute", Decisions::None, |seed, hide| any::compute(seed, hide, Curve25519)),
    subject("curve25519-compose", Decisions::Public(4), |seed, hide| any::compose(seed, hide, Curve25519)),
    subject("curve25519-from-hex", Decisions::Public(2), |seed, hide| any::from_hex(seed, hide, Curve25519)),
    subject("curve25519-split", Decisions::Public(3), |seed, hide| any::split(seed, hide, Curve25519)),
    subject("curve25519-transform", Decisions::Public(2), |seed, hide| any::transform(seed, hide, Curve25519, false)),
    subject("curve25519-verify", Decisions::Public(2), |seed, hide| any::verify(seed, hide, Curve25519)),
    subject("p256-compute", Decisions::Public(2), |seed, hide| any::compute(seed, hide, P256)),
    subject("p256-compose", Decisions::Public(4), |seed, hide| any::compose(seed, hide, P256)),
    subject("p256-from-hex", Decisions::Public(2), |seed, hide| any::from_hex(seed, hide, P256)),
    subject("p256-split", Decisions::Public(3), |seed, hide| any::split(seed, hide, P256)),
    subject("p256-transform", Decisions::Public(2), |seed, hide| any::transform(seed, hide, P256, false)),
    subject("p256-compressed", Decisions::Public(2), |seed, hide| any::transform(seed, hide, P256, true)),
    subject("p256-verify", Decisions::Public(2), |seed, hide| any::verify(seed, hide, P256)),
    subject("p384-compute", Decisions::Public(2), |seed, hide| any::compute(seed, hide, P384)),
    subject("p384-compose", Decisions::Public(4), |seed, hide| any::compose(seed, hide, P384)),
    subject("p384-from-hex", Decisions::Public(2), |seed, hide| any::from_hex(seed, hide, P384)),
    subject("p384-split", Decisions::Public(3), |seed, hide| any::split(seed, hide, P384)),
    subject("p384-transform", Decisions::Public(2), |seed, hide| any::transform(seed, hide, P384, false)),
    subject("p384-compressed", Decisions::Public(2), |seed, hide| any::transform(seed, hide, P384, true)),
    subject("p384-verify", Decisions::Public(2), |seed, hide| any::verify(seed, hide, P384)),
    subject("control-branch", Decisions::Leaks, control::branch),
    subject("control-index", Decisions::Leaks, control::index),
];

/// Those that are stepped through: what Valgrind can't run or can't tell, and what is short. It sees more of the others.
pub const STEPPED: [&str; 8] = [
    "compose",
    "factor-from-bytes",
    "factor-from-hex",
    "instance-from-bytes",
    "instance-from-json",
    "strict-8",
    "draft-8",
    "x25519-key",
];

/// What multiplies points on this processor. Under Valgrind, which hides AVX-512, it is the portable code.
#[must_use]
pub fn backend() -> &'static str {
    sealpost_pre::backend_name()
}

const fn subject(name: &'static str, decisions: Decisions, prepare: fn(Seed, Hide) -> Run) -> Subject {
    Subject { name, prepare, decisions }
}

/// The subject of this name.
#[must_use]
pub fn named(name: &str) -> Option<Subject> {
    SUBJECTS.into_iter().find(|subject| subject.name == name)
}

/// A secret of a subkey.
fn secret(seed: Seed, hide: Hide) -> SubkeySecret {
    SubkeySecret::generate(&mut Fixed { seed, hide })
}

/// Another secret of the same run.
fn other(mut seed: Seed) -> Seed {
    seed.reverse();
    seed
}

/// A factor that is secret as a whole.
fn factor(seed: Seed, hide: Hide) -> ProxyFactor {
    ProxyFactor::compute(&secret(seed, hide), &secret(other(seed), hide))
}

/// The same public points in each run.
fn points(count: u8) -> Vec<Point> {
    (0..count).map(|i| secret([i + 1; 32], |_| ()).public()).collect()
}

fn compute(seed: Seed, hide: Hide) -> Run {
    let (forwarder, forwardee) = (secret(seed, hide), secret(other(seed), hide));
    Box::new(move || ProxyFactor::compute(&forwarder, &forwardee).expose_bytes().to_vec())
}

fn compose(seed: Seed, hide: Hide) -> Run {
    let (first, next) = (factor(seed, hide), factor(other(seed), hide));
    Box::new(move || first.compose(&next).expose_bytes().to_vec())
}

fn verify(seed: Seed, hide: Hide) -> Run {
    let (factor, points) = (factor(seed, hide), points(2));
    Box::new(move || match points[..] {
        [forwarder, forwardee] => vec![factor.verify(&forwarder, &forwardee).into()],
        _ => Vec::new(),
    })
}

fn generate(seed: Seed, hide: Hide) -> Run {
    Box::new(move || secret(seed, hide).public().as_bytes().to_vec())
}

fn x25519_key(seed: Seed, hide: Hide) -> Run {
    let factor = factor(seed, hide);
    Box::new(move || factor.to_x25519_key().map(|key| key.to_vec()).unwrap_or_default())
}

/// The source of the vector kernel, on one lane.
fn kernel_lane(seed: Seed, hide: Hide) -> Run {
    let (factor, points) = (factor(seed, hide), points(2));
    Box::new(move || checks::transform(&factor, &points).into_iter().flatten().flatten().collect())
}

fn kernel_lane_each(seed: Seed, hide: Hide) -> Run {
    let (factors, points) = ([factor(seed, hide), factor(other(seed), hide)], points(1));
    Box::new(move || {
        let factors: Vec<_> = factors.iter().collect();
        let transformed = points.first().and_then(|point| checks::transform_each(&factors, *point));
        transformed.into_iter().flatten().flatten().collect()
    })
}

/// One point by many factors: with a table, where the kernel can.
fn each(seed: Seed, hide: Hide) -> Run {
    let factors: Vec<_> = (0..48).map(|i| factor(seed.map(|octet| octet ^ i), hide)).collect();
    let points = points(1);
    Box::new(move || {
        let (factors, point) = (factors.iter().collect::<Vec<_>>(), points.first());
        let transformed = point.map(|point| transform_each(&factors, *point, PointPolicy::Strict));
        transformed.into_iter().flatten().flatten().flat_map(|point| *point.as_bytes()).collect()
    })
}

fn transform(seed: Seed, hide: Hide, count: u8, policy: PointPolicy) -> Run {
    let (factor, points) = (factor(seed, hide), points(count));
    Box::new(move || {
        let transformed = factor.transform(&points, policy).into_iter().flatten();
        transformed.flat_map(|point| *point.as_bytes()).collect()
    })
}

/// The octets of a factor, not yet hidden.
fn factor_octets(seed: Seed) -> [u8; 32] {
    *factor(seed, |_| ()).expose_bytes()
}

fn read(factor: Option<&ProxyFactor>) -> Vec<u8> {
    factor.map(|factor| factor.expose_bytes().to_vec()).unwrap_or_default()
}

fn factor_from_bytes(seed: Seed, hide: Hide) -> Run {
    let octets = Box::new(factor_octets(seed));
    hide(&*octets);
    Box::new(move || read(ProxyFactor::from_bytes(&octets).ok().as_ref()))
}

fn factor_from_hex(seed: Seed, hide: Hide) -> Run {
    let octets = factor_octets(seed);
    let digits = octets.iter().fold(String::new(), |digits, octet| digits + &format!("{octet:02x}"));
    hide(digits.as_bytes());
    Box::new(move || read(ProxyFactor::from_hex(&digits).ok().as_ref()))
}

fn instance(seed: Seed) -> Instance {
    let [forwarder, forwardee] = [1, 2].map(|octet| Fingerprint::from_bytes([octet; 20]));
    Instance::new(forwarder, forwardee, None, factor(seed, |_| ()))
}

fn instance_from_bytes(seed: Seed, hide: Hide) -> Run {
    let Ok(octets) = instance(seed).expose_bytes() else { return Box::new(Vec::new) };
    // The factor stands at the end.
    hide(octets.last_chunk::<32>().map_or(&[], |factor| factor));
    Box::new(move || read(Instance::from_bytes(&*octets).ok().as_ref().and_then(|instance| instance.factor().held())))
}

fn instance_from_json(seed: Seed, hide: Hide) -> Run {
    let json = instance(seed).expose_json().unwrap_or_default();
    let digits = json.split('"').find(|text| text.len() == 64);
    hide(digits.unwrap_or_default().as_bytes());
    Box::new(move || {
        read(Instance::from_json(json.as_bytes()).ok().as_ref().and_then(|instance| instance.factor().held()))
    })
}
