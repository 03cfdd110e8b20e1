//! `sealpost smime sign`

use sealpost::smime::{
    Form, HeaderConfidentiality, HeaderProtection, Limits, Signer, UnixTime,
    algorithm::{Digest, SignatureScheme},
    key::SigningKey,
};
use serde_json::json;

use super::{args, load, report, rng};
use crate::{
    failure::{At, Failure, Result},
    files::{Access, Place, write_to},
    forward::now,
    output::Output,
};

pub(super) fn run(args: args::Sign, output: Output) -> Result {
    let owner = load::signer(&args.key, args.cert.as_slice(), args.password_file.as_ref())?;
    let key = owner.signing(&args.key)?;
    let scheme = scheme(&args, &*key)?;
    let mut chain = load::certificates(&args.chain)?;
    chain.extend(owner.others);
    let mut signer = Signer::new(owner.certificate.clone(), key, scheme).at(&args.key)?.chain(&chain);
    if let Some(path) = &args.encryption_cert {
        for certificate in load::certificates(std::slice::from_ref(path))?.iter().take(1) {
            signer = signer.encrypt_to(certificate).at(path)?;
        }
    }
    if args.opaque {
        signer = signer.form(Form::Opaque);
    }
    signer = match args.protect_headers {
        Some(args::Protect::Clear) => signer.protect_header(HeaderProtection::Clear),
        Some(args::Protect::Cipher) => signer.protect_header(HeaderProtection::Cipher(HeaderConfidentiality::Baseline)),
        None => signer,
    };
    let time = UnixTime(i64::try_from(now()?.0).map_err(|_| Failure::new("the system's clock is far in the future"))?);
    let (from, to) = (Place::from(args.files.input), Place::from(args.files.output));
    let mut mail = from.mail(Limits::default().mail)?;
    let signed =
        write_to(&to, Access::Public, |writer| signer.sign(&mut mail, time, &mut rng(), writer).at(from.input_name()))?;
    let name = owner.certificate.subject_name();
    let json = json!({ "signed": true, "certificate": report::certificate(&owner.certificate), "algorithm": scheme.to_string(), "octets": signed.octets, "reencoded": signed.reencoded, "fragile": signed.fragile });
    let made_safe = if signed.reencoded { "; parts were encoded anew so that no relay has to" } else { "" };
    let fragile = if signed.fragile {
        " Some of it is not 7-bit: a relay may break the signature; --opaque is safe."
    } else {
        ""
    };
    output.beside_data(&json, &format!("Signed by {name} ({scheme}){made_safe}.{fragile}"));
    Ok(())
}

fn scheme(args: &args::Sign, key: &dyn SigningKey) -> Result<SignatureScheme> {
    let digest = match args.hash {
        args::Hash::Sha256 => Digest::Sha256,
        args::Hash::Sha384 => Digest::Sha384,
        args::Hash::Sha512 => Digest::Sha512,
    };
    let schemes = if args.pss {
        vec![SignatureScheme::pss(digest)]
    } else {
        use SignatureScheme::{Ecdsa, Ed25519, MlDsa44, MlDsa65, MlDsa87, RsaPkcs1};
        vec![RsaPkcs1(digest), Ecdsa(digest), Ed25519, MlDsa44, MlDsa65, MlDsa87]
    };
    let found = schemes.into_iter().find(|scheme| key.supports(*scheme));
    found.ok_or_else(|| Failure::new(format!("{}: the key can't sign that way", args.key.display())))
}
