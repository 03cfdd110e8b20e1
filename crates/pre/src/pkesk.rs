//! The Public Key Encrypted Session Key packet, versions 3 and 6
//! ([RFC 9580 §5.1](https://www.rfc-editor.org/rfc/rfc9580#section-5.1)).

use core::fmt;

use crate::{Error, Fingerprint, KeyId, Point, Result, kdf::ECDH, packet::Fields};

/// For whom a session key is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipient {
    /// Hidden: a zero key ID in version 3, no fingerprint in version 6.
    Hidden,
    /// A key ID (version 3).
    KeyId(KeyId),
    /// The fingerprint of a version 4 key (version 6).
    Fingerprint(Fingerprint),
    /// A key of a version that has no Curve25519 subkeys of the kind that can be forwarded (version 6).
    OtherVersion(u8),
}

impl Recipient {
    /// Whether this names, or may name, the key with this fingerprint.
    #[must_use]
    pub fn may_be(&self, fingerprint: &Fingerprint) -> bool {
        match self {
            Self::Hidden => true,
            Self::KeyId(id) => *id == fingerprint.key_id(),
            Self::Fingerprint(own) => own == fingerprint,
            Self::OtherVersion(_) => false,
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden => f.write_str("a hidden recipient"),
            Self::KeyId(id) => id.fmt(f),
            Self::Fingerprint(fingerprint) => fingerprint.fmt(f),
            Self::OtherVersion(version) => write!(f, "a key of version {version}"),
        }
    }
}

/// A PKESK packet.
#[derive(Clone, Copy, Debug)]
pub struct Pkesk<'a> {
    version: u8,
    recipient: Recipient,
    algorithm: u8,
    /// Where the key ID or fingerprint is in the body.
    recipient_at: usize,
    ecdh: Option<Ecdh<'a>>,
}

/// The algorithm-specific fields of ECDH over Curve25519.
#[derive(Clone, Copy, Debug)]
struct Ecdh<'a> {
    point: Point,
    /// Where the 32 octets of the u-coordinate are in the body.
    point_at: usize,
    wrapped: &'a [u8],
}

impl<'a> Pkesk<'a> {
    /// Reads the body of a packet with tag 1, header left out.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for another version than 3 and 6, [`Error::Malformed`] where a field ends
    /// early; its offset counts from the start of the body.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        let mut fields = Fields::new(body, 0, "PKESK");
        let version = fields.octet()?;
        let (recipient, recipient_at) = match version {
            3 => {
                let id = KeyId::from_bytes(*fields.array()?);
                (if id == KeyId::WILDCARD { Recipient::Hidden } else { Recipient::KeyId(id) }, 1)
            }
            6 => (version_6_recipient(&mut fields)?, 3),
            id => return Err(Error::Unsupported { what: "PKESK version", id }),
        };
        let algorithm = fields.octet()?;
        let ecdh = if algorithm == ECDH { Ecdh::parse(fields)? } else { None };
        Ok(Self { version, recipient, algorithm, recipient_at, ecdh })
    }

    /// 3 or 6.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.version
    }

    /// For whom it is.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        self.recipient
    }

    /// The public key algorithm's number in OpenPGP's registry; 18 is ECDH.
    #[must_use]
    pub fn algorithm(&self) -> u8 {
        self.algorithm
    }

    /// The sender's ephemeral point, if this is ECDH over Curve25519: a 33-octet point that starts with 0x40.
    #[must_use]
    pub fn point(&self) -> Option<Point> {
        self.ecdh.map(|ecdh| ecdh.point)
    }

    /// The wrapped session key block, if this is ECDH over Curve25519.
    #[must_use]
    pub fn wrapped(&self) -> Option<&'a [u8]> {
        self.ecdh.map(|ecdh| ecdh.wrapped)
    }

    pub(crate) fn point_at(&self) -> Option<usize> {
        self.ecdh.map(|ecdh| ecdh.point_at)
    }

    pub(crate) fn recipient_at(&self) -> usize {
        self.recipient_at
    }
}

/// A length, then (if it isn't 0) a key version and a fingerprint.
fn version_6_recipient(fields: &mut Fields<'_>) -> Result<Recipient> {
    let malformed = fields.malformed();
    Ok(match fields.counted()?.split_first() {
        None => Recipient::Hidden,
        Some((4, fingerprint)) => Recipient::Fingerprint(fingerprint.try_into().map_err(|_| malformed)?),
        Some((version, _)) => Recipient::OtherVersion(*version),
    })
}

impl<'a> Ecdh<'a> {
    /// An MPI with the point, then the wrapped key with its length in front
    /// ([RFC 9580 §5.1.5](https://www.rfc-editor.org/rfc/rfc9580#section-5.1.5)). `None` for another curve.
    fn parse(mut fields: Fields<'a>) -> Result<Option<Self>> {
        let point = fields.mpi()?;
        let point_at = fields.offset() - 32.min(point.len());
        let wrapped = fields.counted()?;
        if !fields.rest().is_empty() {
            return Err(fields.malformed());
        }
        Ok(Point::from_wire(point).ok().map(|point| Self { point, point_at, wrapped }))
    }
}
