//! How key transport is named (RFC 3370 §4.2.1, RFC 3560 §3, RFC 4055 §4.1).

use der::Tag;

use super::{Algorithm, Digest, KeyTransport, parameter_digest, parameter_mask, write_parameters};
use crate::{
    Result,
    asn1::{write, write_oid},
    oid,
};

const PLACE: &str = "the key encryption algorithm of a recipient";

impl KeyTransport {
    /// OAEP with one hash function for all, and no label.
    #[must_use]
    pub const fn oaep(digest: Digest) -> Self {
        Self::Oaep { digest, mask: digest, label: Vec::new() }
    }

    /// Reads the AlgorithmIdentifier `keyEncryptionAlgorithm` of a KeyTransRecipientInfo.
    pub(crate) fn from_der(algorithm: &[u8]) -> Result<Self> {
        let algorithm = Algorithm::read(algorithm, PLACE)?;
        match algorithm.id {
            oid::RSA_ENCRYPTION => algorithm.no_parameters().map(|()| Self::Pkcs1),
            oid::RSAES_OAEP => Self::from_oaep(&algorithm),
            _ => Err(algorithm.unknown()),
        }
    }

    /// RSAES-OAEP-params; where they are missing, as in keys, all are the defaults.
    pub(crate) fn from_oaep(algorithm: &Algorithm<'_>) -> Result<Self> {
        let [digest, mask, source] = if algorithm.parameters.is_some() { algorithm.fields()? } else { [None; 3] };
        let label = match source {
            None => Vec::new(),
            Some(source) => {
                let source = Algorithm::from_element(source, PLACE)?;
                match source.parameters {
                    Some(label) if source.id == oid::P_SPECIFIED => {
                        label.expect(Tag::OctetString, PLACE)?.value.to_vec()
                    }
                    _ => return Err(source.unknown()),
                }
            }
        };
        Ok(Self::Oaep { digest: parameter_digest(digest, PLACE)?, mask: parameter_mask(mask, PLACE)?, label })
    }

    /// The AlgorithmIdentifier `keyEncryptionAlgorithm`.
    pub(crate) fn to_der(&self) -> Vec<u8> {
        match self {
            Self::Pkcs1 => write(0x30, &[&write_oid(oid::RSA_ENCRYPTION), &[5, 0]]),
            Self::Oaep { digest, mask, label } => {
                let mut fields = write_parameters(*digest, *mask);
                if !label.is_empty() {
                    let source = write(0x30, &[&write_oid(oid::P_SPECIFIED), &write(0x04, &[label])]);
                    fields.extend(write(0xa2, &[&source]));
                }
                write(0x30, &[&write_oid(oid::RSAES_OAEP), &write(0x30, &[&fields])])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealpost_testkit::unhex;

    #[test]
    fn what_is_written_is_read() {
        let mut transports = vec![KeyTransport::Pkcs1];
        for digest in Digest::ALL {
            for mask in Digest::ALL {
                transports.extend([vec![], b"label".to_vec()].map(|label| KeyTransport::Oaep { digest, mask, label }));
            }
        }
        for transport in transports {
            assert_eq!(KeyTransport::from_der(&transport.to_der()).unwrap(), transport);
        }
    }

    #[test]
    fn defaults_are_sha1_and_no_label() {
        for default in ["300d06092a864886f70d0101073000", "300b06092a864886f70d010107"] {
            assert_eq!(KeyTransport::from_der(&unhex(default)).unwrap(), KeyTransport::oaep(Digest::Sha1));
        }
        assert_eq!(KeyTransport::oaep(Digest::Sha1).to_der(), unhex("300d06092a864886f70d0101073000"));
        assert!(KeyTransport::from_der(&unhex("300d06092a864886f70d0101070500")).is_err());
    }
}
