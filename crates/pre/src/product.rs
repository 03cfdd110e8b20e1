//! Multiplying points by factors: each by what does it fastest.

use alloc::{vec, vec::Vec};

use zeroize::Zeroizing;

use crate::{
    Backend, BackendError, Point, PointPolicy, PointRejection, ProxyFactor, Result,
    instance::Factor,
    kernel::{self, LANES, OddScalar},
};

type Product = Result<Point, PointRejection>;

/// Multiplies a point by each of these factors: one mail, many forwardees. The time does not depend on the factors.
///
/// The result has one entry per factor, in the same order.
#[must_use]
pub fn transform_each(
    factors: &[&ProxyFactor],
    point: Point,
    policy: PointPolicy,
) -> Vec<Result<Point, PointRejection>> {
    let pairs: Vec<_> = factors.iter().map(|factor| (*factor, point)).collect();
    multiply(&pairs, policy)
}

/// What multiplies points on this machine: `avx512ifma` (with `+mullq` where whole products are fast), or `portable`;
/// with `+aws-lc` if that does single points.
#[must_use]
pub fn backend_name() -> &'static str {
    match (kernel::whole_products(), cfg!(feature = "aws-lc")) {
        (Some(false), false) => "avx512ifma",
        (Some(true), false) => "avx512ifma+mullq",
        (None, false) => "portable",
        (Some(false), true) => "avx512ifma+aws-lc",
        (Some(true), true) => "avx512ifma+mullq+aws-lc",
        (None, true) => "portable+aws-lc",
    }
}

/// Multiplies each point by its factor, wherever that is. Points for one that is elsewhere are always judged strictly.
pub(crate) fn multiply_anywhere(pairs: &[(&Factor, Point)], policy: PointPolicy) -> Result<Vec<Product>, BackendError> {
    let held: Vec<_> = pairs.iter().filter_map(|(factor, point)| Some((factor.held()?, *point))).collect();
    let mut here = multiply(&held, policy).into_iter();
    let each = pairs.iter().map(|(factor, point)| match factor {
        Factor::Held(_) => Ok(here.next().unwrap_or(Err(PointRejection::SmallOrder))),
        Factor::Elsewhere(backend) => multiply_elsewhere(&**backend, *point),
    });
    each.collect()
}

fn multiply_elsewhere(backend: &dyn Backend, point: Point) -> Result<Product, BackendError> {
    if let Err(rejection) = point.on_curve() {
        return Ok(Err(rejection));
    }
    let product = backend.x25519(point)?;
    match product.on_curve() {
        Ok(_) => Ok(Ok(product)),
        Err(_) => Err(BackendError::new("backend", "its result is no point of the group")),
    }
}

/// Multiplies each point by its factor.
pub(crate) fn multiply(pairs: &[(&ProxyFactor, Point)], policy: PointPolicy) -> Vec<Product> {
    let one_by_one = || pairs.iter().map(|(factor, point)| factor.transform_one(*point, policy)).collect();
    match policy {
        PointPolicy::Strict => multiply_vectors(pairs).unwrap_or_else(one_by_one),
        PointPolicy::Draft => one_by_one(),
    }
}

/// From how many on a vector of the kernel, filled or not, is faster than the way of one alone.
const VECTOR: usize = if cfg!(feature = "aws-lc") { 3 } else { 2 };

/// From how many on it is faster to fill up a last vector than to multiply them one by one.
const TAIL: usize = if cfg!(feature = "aws-lc") { 2 } else { 1 };

/// From how many factors on a table of multiples of their common point pays.
const FAN_OUT: usize = 40;

/// By the kernel, if it can and if that is faster.
fn multiply_vectors<'p>(pairs: &'p [(&'p ProxyFactor, Point)]) -> Option<Vec<Product>> {
    let ((_, first), others) = pairs.split_first()?;
    if pairs.len() >= FAN_OUT && others.iter().all(|(_, point)| point == first) {
        return fan_out(pairs, *first);
    }
    if pairs.len() < VECTOR || !kernel::is_available() {
        return None;
    }
    let take = |(place, (factor, point)): (usize, &'p (&ProxyFactor, Point))| {
        point.check_coordinate().ok()?;
        Some((place, factor.x25519_key()?, point.as_bytes()))
    };
    let mut taken: Vec<_> = pairs.iter().enumerate().filter_map(take).collect();
    let tail = taken.len() % LANES;
    if tail < TAIL {
        taken.truncate(taken.len() - tail);
    }
    let (scalars, points): (Vec<_>, Vec<_>) = taken.iter().map(|(_, scalar, point)| (*scalar, *point)).unzip();
    let mut results = vec![None; pairs.len()];
    for ((place, ..), product) in taken.iter().zip(kernel::multiply(&scalars, &points)?) {
        if let (Some(result), Some(product)) = (results.get_mut(*place), product) {
            *result = Some(Ok(Point::from_bytes(product)));
        }
    }
    // Where the kernel says no, or was not asked, the way of one alone says why.
    let alone = |((factor, point), result): (&(&ProxyFactor, Point), Option<Product>)| {
        result.unwrap_or_else(|| factor.transform_one(*point, PointPolicy::Strict))
    };
    Some(pairs.iter().zip(results).map(alone).collect())
}

/// One point, many factors.
fn fan_out(pairs: &[(&ProxyFactor, Point)], point: Point) -> Option<Vec<Product>> {
    if !kernel::is_available() {
        return None;
    }
    if let Err(rejection) = point.on_curve() {
        return Some(vec![Err(rejection); pairs.len()]);
    }
    let scalars: Zeroizing<Vec<OddScalar>> =
        pairs.iter().map(|(factor, _)| factor.odd_eighth()).collect::<Vec<_>>().into();
    let products = kernel::fan_out(&scalars, point.as_bytes());
    products.map(|products| products.into_iter().map(|product| Ok(Point::from_bytes(product))).collect())
}
