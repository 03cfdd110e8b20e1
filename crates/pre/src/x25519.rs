//! X25519 by AWS-LC: its assembly is verified, and the fastest for one point alone.

use std::sync::OnceLock;

use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};

use crate::{Point, PointRejection, kernel};

/// A key that is made ready when it is used for the first time.
#[derive(Default)]
pub(crate) struct Prepared(OnceLock<Option<PrivateKey>>);

impl Prepared {
    /// The product of a clamped key and a point, judged strictly; nothing where AWS-LC gives none.
    pub(crate) fn transform(&self, key: &[u8; 32], point: Point) -> Result<Option<Point>, PointRejection> {
        point.check_coordinate()?;
        if kernel::is_on_curve(point.as_bytes()) != Some(true) {
            // Says why not, or that it is after all.
            point.on_curve()?;
        }
        let key = self.0.get_or_init(|| PrivateKey::from_private_key(&X25519, key).ok());
        let peer = UnparsedPublicKey::new(&X25519, point.as_bytes());
        let product = |product: &[u8]| product.try_into().map(Point::from_bytes).map_err(drop);
        Ok(key.as_ref().and_then(|key| agree(key, peer, (), product).ok()))
    }
}
