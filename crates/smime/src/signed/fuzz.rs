//! Any octets as SignedData.

use super::SignedData;
use crate::{Capabilities, Limits, ber::to_der};

/// A message must be the same in DER; its signers are checked with all its certificates.
///
/// # Panics
///
/// If it isn't.
pub fn fuzz(input: &[u8]) {
    let limits = Limits::default();
    if let Ok(capabilities) = Capabilities::from_der(input) {
        assert_eq!(Capabilities::from_der(&capabilities.to_der()).ok(), Some(capabilities), "capabilities stay");
    }
    let read = |message: &[u8]| {
        let mut content = Vec::new();
        SignedData::read(message, &limits, &mut |octets| {
            content.extend_from_slice(octets);
            Ok(())
        })
        .map(|read| (read, content))
    };
    let Ok((message, content)) = read(input) else { return };
    assert_eq!(message.content_len.unwrap_or_default(), u64::try_from(content.len()).unwrap_or(u64::MAX));
    for (signer, certificate) in message.signers.iter().flatten().zip(&message.certificates) {
        drop(signer.check(&message.digests, message.content_type, certificate));
    }
    let Ok(der) = to_der(input, &limits) else { return };
    let Ok((in_der, same_content)) = read(&der) else { return };
    assert_eq!(same_content, content, "the content must be the same in DER");
    assert_eq!(in_der.signers.len(), message.signers.len(), "the signers must be the same in DER");
}
