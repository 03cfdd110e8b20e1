//! `sealpost smime encrypt`

use sealpost::smime::{
    ContentCipher, Encrypter, HeaderConfidentiality, Limits, Recipient,
    algorithm::{Digest, KeyTransport},
};
use serde_json::json;

use super::{args, load, report, rng};
use crate::{
    failure::{At, Result},
    files::{Access, Place, write_to},
    output::Output,
};

pub(super) fn run(args: args::Encrypt, output: Output) -> Result {
    let mut encrypter = Encrypter::new();
    for path in &args.to {
        for certificate in load::certificates(std::slice::from_ref(path))?.into_iter().take(1) {
            let recipient = Recipient::new(certificate).at(path)?;
            encrypter = encrypter.to(match args.rsa {
                Some(args::Rsa::Pkcs1) => recipient.with_transport(KeyTransport::Pkcs1),
                Some(args::Rsa::Oaep) => recipient.with_transport(KeyTransport::oaep(Digest::Sha256)),
                None => recipient,
            });
        }
    }
    if let Some(cipher) = args.cipher {
        encrypter = encrypter.cipher(match cipher {
            args::Cipher::Aes256Cbc => ContentCipher::Aes256Cbc,
            args::Cipher::Aes128Cbc => ContentCipher::Aes128Cbc,
            args::Cipher::Aes256Gcm => ContentCipher::Aes256Gcm,
            args::Cipher::Aes128Gcm => ContentCipher::Aes128Gcm,
        });
    }
    if args.protect_headers {
        encrypter = encrypter.protect_header(HeaderConfidentiality::Baseline);
    }
    let (from, to) = (Place::from(args.files.input), Place::from(args.files.output));
    let mut mail = from.mail(Limits::default().mail)?;
    let encrypted =
        write_to(&to, Access::Public, |writer| encrypter.encrypt(&mut mail, &mut rng(), writer).at(from.input_name()))?;
    let recipients = encrypter.recipients().map(|recipient| report::certificate(recipient.certificate()));
    let json = json!({
        "encrypted": true,
        "cipher": encrypted.cipher.to_string(),
        "recipients": recipients.collect::<Vec<_>>(),
        "signed": encrypted.signed,
    });
    let unsigned = if encrypted.cipher.is_authenticated() || encrypted.signed {
        ""
    } else {
        ". This cipher does not notice changes: sign the mail first"
    };
    output.beside_data(&json, &format!("Encrypted for {} ({}){unsigned}.", args.to.len(), encrypted.cipher));
    Ok(())
}
