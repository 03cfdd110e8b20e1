//! What a part says that it is: S/MIME by its content type (RFC 8551 §3.2, §3.5, §3.10) or another protection.

use sealpost_mail::Parameterized;

use super::header::Header;

/// Longer boundaries are none (RFC 2046 §5.1.1 allows 70 characters).
const MAX_BOUNDARY: usize = 998;

/// What a part's header claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nothing of this kind.
    None,
    /// multipart/signed (RFC 1847) with an S/MIME signature.
    Signed(Signed),
    /// A CMS signature for the part in front of it.
    Signature,
    /// A CMS message.
    Pkcs7(SmimeType),
    /// Protected in another way, as by OpenPGP (RFC 3156).
    Foreign,
}

/// A signed multipart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    /// Empty if there is none that is usable.
    pub(crate) boundary: Box<[u8]>,
    /// Whether the protocol is named, as it must be.
    pub(crate) named: bool,
}

/// The parameter `smime-type` (RFC 8551 §3.2.2). It is only a hint: what a message is its ContentInfo says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SmimeType {
    EnvelopedData,
    AuthEnvelopedData,
    SignedData,
    CertsOnly,
    CompressedData,
    /// None, or another.
    #[default]
    Other,
}

impl Claim {
    pub(crate) fn of(header: &Header, content_type: &Parameterized) -> Self {
        match content_type.value() {
            "multipart/signed" => match content_type.parameter("protocol").map(<[u8]>::to_ascii_lowercase) {
                Some(protocol) if !is_signature(&protocol) => Self::Foreign,
                protocol => {
                    let boundary = boundary(content_type).unwrap_or_default();
                    Self::Signed(Signed { boundary: boundary.into(), named: protocol.is_some() })
                }
            },
            "multipart/encrypted" => Self::Foreign,
            "application/pkcs7-mime" | "application/x-pkcs7-mime" => Self::Pkcs7(SmimeType::of(content_type)),
            media_type if is_signature(media_type.as_bytes()) => Self::Signature,
            "application/octet-stream" if has_suffix(header, &["p7m", "p7c", "p7z"]) => {
                Self::Pkcs7(SmimeType::of(content_type))
            }
            "application/octet-stream" if has_suffix(header, &["p7s"]) => Self::Signature,
            _ => Self::None,
        }
    }
}

impl SmimeType {
    /// As it is spelled.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EnvelopedData => "enveloped-data",
            Self::AuthEnvelopedData => "authEnveloped-data",
            Self::SignedData => "signed-data",
            Self::CertsOnly => "certs-only",
            Self::CompressedData => "compressed-data",
            Self::Other => "",
        }
    }

    fn of(content_type: &Parameterized) -> Self {
        let value = content_type.parameter("smime-type").unwrap_or_default();
        let all =
            [Self::EnvelopedData, Self::AuthEnvelopedData, Self::SignedData, Self::CertsOnly, Self::CompressedData];
        all.into_iter().find(|this| value.eq_ignore_ascii_case(this.name().as_bytes())).unwrap_or_default()
    }
}

fn is_signature(media_type: &[u8]) -> bool {
    matches!(media_type, b"application/pkcs7-signature" | b"application/x-pkcs7-signature")
}

/// Whether one of the file names ends so.
fn has_suffix(header: &Header, suffixes: &[&str]) -> bool {
    let suffix = |name: String| name.rsplit_once('.').map(|(_, suffix)| suffix.to_ascii_lowercase());
    header.file_names().filter_map(suffix).any(|suffix| suffixes.contains(&suffix.as_str()))
}

/// The boundary, if it is usable.
pub(crate) fn boundary(content_type: &Parameterized) -> Option<&[u8]> {
    let boundary = content_type.parameter("boundary")?.trim_ascii_end();
    (1..=MAX_BOUNDARY).contains(&boundary.len()).then_some(boundary)
}
