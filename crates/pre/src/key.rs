//! Key packets ([RFC 9580 §5.5](https://www.rfc-editor.org/rfc/rfc9580#section-5.5)): where the public part ends
//! and the secret part starts.

use sha1::{Digest, Sha1};

use crate::{
    Error, Fingerprint, Point, Result,
    kdf::{CURVE_OID, ECDH},
    packet::{Fields, Packet},
};

/// EdDSALegacy in OpenPGP's registry of public key algorithms.
pub(crate) const EDDSA_LEGACY: u8 = 22;
/// The object identifier of Ed25519Legacy, 1.3.6.1.4.1.11591.15.1, with its length in front.
pub(crate) const ED25519_OID: [u8; 10] = [0x09, 0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x0F, 0x01];
/// The type of a KDF field with a fingerprint instead of the key's own (the draft's §5.1).
pub(crate) const KDF_FORWARDING: u8 = 0xFF;

/// The body of a key packet, cut in two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyBody<'a> {
    pub(crate) algorithm: u8,
    /// The public part: all of a public key packet's body.
    pub(crate) public: &'a [u8],
    /// The algorithm-specific fields of the public part.
    pub(crate) material: Fields<'a>,
    /// The rest: empty for a public key.
    pub(crate) secret: &'a [u8],
    version: u8,
}

impl<'a> KeyBody<'a> {
    /// Cuts a key of version 4 or 6.
    ///
    /// Where the public part ends follows from the algorithm: an unknown algorithm is an error, since
    /// guessing might give a secret away.
    pub(crate) fn parse(packet: &Packet<'a>) -> Result<Self> {
        let mut fields = Fields::new(packet.body, packet.body_at, "key packet");
        let version = fields.octet()?;
        let _created = fields.number()?;
        let algorithm = fields.octet()?;
        // In version 6 a length comes in between, which must say the same as the fields.
        let counted = match version {
            4 => None,
            6 => Some(usize::try_from(fields.number()?).map_err(|_| fields.malformed())?),
            id => return Err(Error::Unsupported { what: "key version", id }),
        };
        let material = fields;
        skip_public(&mut fields, algorithm)?;
        if counted.is_some_and(|len| len != fields.offset() - material.offset()) {
            return Err(fields.malformed());
        }
        let (public, secret) = packet.body.split_at(fields.offset() - packet.body_at);
        Ok(Self { algorithm, public, material, secret, version })
    }

    /// The fingerprint of a version 4 key (RFC 9580 §5.5.4.2).
    pub(crate) fn fingerprint(&self) -> Result<Fingerprint> {
        if self.version != 4 {
            return Err(Error::Unsupported { what: "key version", id: self.version });
        }
        Ok(fingerprint(self.public))
    }

    /// The fields of ECDH over Curve25519: the point and the content of the KDF field.
    pub(crate) fn curve25519(&self) -> Option<(Point, &'a [u8])> {
        let (curve, point, kdf) = self.ecdh()?;
        let point = Point::from_wire(point).ok()?;
        (CURVE_OID.get(1..) == Some(curve)).then_some((point, kdf))
    }

    /// The fields of ECDH: the curve's object identifier, the point, the content of the KDF field.
    pub(crate) fn ecdh(&self) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
        let mut fields = self.material;
        let ecdh = self.algorithm == ECDH;
        ecdh.then_some((fields.counted().ok()?, fields.mpi().ok()?, fields.counted().ok()?))
    }
}

/// The fingerprint of a version 4 key with this public part.
pub(crate) fn fingerprint(public: &[u8]) -> Fingerprint {
    Fingerprint::from_bytes(key_digest::<Sha1>(public).finalize().into())
}

/// A hash that has taken in a version 4 key: 0x99, its length in two octets, its public part.
pub(crate) fn key_digest<D: Digest>(public: &[u8]) -> D {
    let len = u16::try_from(public.len()).unwrap_or(u16::MAX);
    D::new().chain_update([0x99]).chain_update(len.to_be_bytes()).chain_update(public)
}

/// Passes over the public fields of an algorithm (RFC 9580 §5.5.5, and for 30 to 36 draft-ietf-openpgp-pqc).
fn skip_public(fields: &mut Fields<'_>, algorithm: u8) -> Result<()> {
    let mpis = match algorithm {
        1..=3 => 2,
        16 => 3,
        17 => 4,
        ECDH => {
            fields.counted()?;
            fields.mpi()?;
            return fields.counted().map(drop);
        }
        19 | EDDSA_LEGACY => {
            fields.counted()?;
            1
        }
        // X25519, Ed25519, SLH-DSA-SHAKE-128s and -128f; X448, Ed448, SLH-DSA-SHAKE-256s.
        25 | 27 | 32 | 33 => return fields.take(32).map(drop),
        26 => return fields.take(56).map(drop),
        28 => return fields.take(57).map(drop),
        34 => return fields.take(64).map(drop),
        // ML-DSA-65+Ed25519, ML-DSA-87+Ed448, ML-KEM-768+X25519, ML-KEM-1024+X448.
        30 => return fields.take(32 + 1952).map(drop),
        31 => return fields.take(57 + 2592).map(drop),
        35 => return fields.take(32 + 1184).map(drop),
        36 => return fields.take(56 + 1568).map(drop),
        id => return Err(Error::Unsupported { what: "public key algorithm", id }),
    };
    (0..mpis).try_for_each(|_| fields.mpi().map(drop))
}
