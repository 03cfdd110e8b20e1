//! Factors that are kept elsewhere.

use alloc::string::{String, ToString};
use core::fmt;

use crate::Point;

#[cfg(feature = "pkcs11")]
pub(crate) mod pkcs11;

/// A factor that multiplies points wherever it is kept: in a token, in another service.
///
/// All it has to do is X25519 ([RFC 7748 §5](https://www.rfc-editor.org/rfc/rfc7748#section-5)) with a clamped private
/// key: see [`ProxyFactor::to_x25519_key`](crate::ProxyFactor::to_x25519_key).
pub trait Backend: fmt::Debug + Send + Sync {
    /// `X25519(K', u)` for this point, which was checked: it is canonical, on the curve, and its order doesn't divide 8.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if there is no result.
    fn x25519(&self, point: Point) -> Result<Point, BackendError>;
}

/// Why a backend gave no result. Says what failed, never a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{backend}: {reason}")]
pub struct BackendError {
    backend: &'static str,
    reason: String,
}

impl BackendError {
    /// An error of this backend.
    pub fn new(backend: &'static str, reason: impl fmt::Display) -> Self {
        Self { backend, reason: reason.to_string() }
    }
}
