//! `sealpost smime verify`

use std::fs;

use sealpost::smime::{
    Certificate, Form, Limits, ProtectedHeader, SignerInfo, SignerReport, UnixTime, Verdict, Verification, Verifier,
    path::{Path, Purpose, Revocation, RevocationPolicy, Validator},
};
use serde_json::{Value, json};

use super::{args, load, report};
use crate::{
    failure::{At, Failure, Result},
    files::{Access, Place, write_to},
    forward::now,
    output::Output,
};

/// Seconds; clocks are not further apart than this.
const HOUR: u64 = 3600;

pub(super) fn run(args: args::Verify, output: Output) -> Result {
    let validator = validator(&args)?;
    let from = Place::from(args.input);
    let mut mail = from.mail(Limits::default().mail)?;
    let verification = Verifier::new(validator).verify(&mut mail).at(from.input_name())?;
    let verdict = verification.verdict();
    if let (Some(content), Verdict::Valid) = (args.content, verdict) {
        let to = Place::from(Some(content));
        write_to(&to, Access::Private, |writer| verification.write_content(&mut mail, writer).at(from.input_name()))?;
        output.beside_data(&json(&verification), &text(&verification));
    } else {
        output.result(&json(&verification), &text(&verification));
    }
    match verdict {
        Verdict::Valid => Ok(()),
        verdict => Err(Failure::verdict(summary(verdict), code(verdict))),
    }
}

fn validator(args: &args::Verify) -> Result<Validator> {
    let at = match &args.at {
        Some(text) => UnixTime::from_rfc3339(text).at("--at")?,
        None => UnixTime(i64::try_from(now()?.0).map_err(|_| Failure::new("the system's clock is far in the future"))?),
    };
    let anchors = load::certificates(&args.trust)?;
    let mut validator =
        Validator::new(&anchors, at, Purpose::EmailSigning).intermediates(&load::certificates(&args.chain)?);
    if args.require_revocation {
        validator = validator.revocation(RevocationPolicy::Require);
    }
    for path in &args.crl {
        for der in load::lists(path)? {
            validator = validator.crl(&der).at(path)?;
        }
    }
    for path in &args.ocsp {
        validator = validator.ocsp(&fs::read(path).at(path)?).at(path)?;
    }
    Ok(validator)
}

fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Valid => 0,
        Verdict::Untrusted => 11,
        Verdict::IdentityMismatch => 12,
        _ => 10,
    }
}

fn summary(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Untrusted => "untrusted: a signer is not trusted",
        Verdict::IdentityMismatch => "identity mismatch: the mail is not from a signer",
        _ => "invalid: a signature is not sound",
    }
}

fn form(form: Form) -> &'static str {
    match form {
        Form::Detached => "multipart/signed",
        _ => "application/pkcs7-mime",
    }
}

fn json(verification: &Verification) -> Value {
    json!({
        "verdict": summary(verification.verdict()).split(':').next(),
        "form": form(verification.form),
        "octets": verification.octets(),
        "date": verification.date.map(|date| date.to_string()),
        "protected_header": verification.protected.as_ref().map(protected_json),
        "signers": verification.signers.iter().map(signer_json).collect::<Vec<_>>(),
    })
}

fn protected_json(header: &ProtectedHeader) -> Value {
    let fields = header.fields.iter().map(|(name, value)| json!({ "name": name, "value": value }));
    json!({ "fields": fields.collect::<Vec<_>>(), "differ": header.differ })
}

fn signer_json(signer: &SignerReport) -> Value {
    let info = signer.info.as_ref();
    json!({
        "certificate": signer.certificate.as_ref().map(report::certificate),
        "identifier": info.map(|info| info.signer_identifier().to_string()),
        "signature": match &signer.integrity { Ok(()) => "sound".to_owned(), Err(flaw) => flaw.to_string() },
        "algorithm": info.and_then(SignerInfo::scheme).map(|scheme| scheme.to_string()),
        "signing_time": info.and_then(SignerInfo::signing_time).map(|time| time.to_string()),
        "trust": match &signer.trust {
            Some(Ok(_)) => "trusted".to_owned(),
            Some(Err(why)) => why.to_string(),
            None => "not judged".to_owned(),
        },
        "path": signer.trust.as_ref().and_then(|trust| trust.as_ref().ok()).map(path_json),
        "identity": signer.identity.as_ref().map(|identity| json!({ "code": identity.code(), "why": identity.to_string() })),
    })
}

fn path_json(path: &Path) -> Value {
    json!({
        "certificates": path.certificates.iter().map(report::certificate).collect::<Vec<_>>(),
        "revocation": path.revocation.iter().map(|status| revocation(*status)).collect::<Vec<_>>(),
        "warnings": path.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn revocation(status: Revocation) -> &'static str {
    match status {
        Revocation::Ignored => "not looked at",
        Revocation::GoodByCrl => "good by a list",
        Revocation::GoodByOcsp => "good by OCSP",
        _ => "not known",
    }
}

fn text(verification: &Verification) -> String {
    let verdict = summary(verification.verdict());
    let mut text = format!("{verdict}\n{}, {} octets signed\n", form(verification.form), verification.octets());
    if let Some(header) = &verification.protected {
        let names: Vec<_> = header.fields.iter().map(|(name, _)| name.as_str()).collect();
        text += &format!("header fields signed too: {}\n", names.join(", "));
        if !header.differ.is_empty() {
            text += &format!("of these are other outside: {}\n", header.differ.join(", "));
        }
    }
    for (number, signer) in (1..).zip(&verification.signers) {
        text += &format!("signer {number}\n");
        for (what, words) in rows(signer).into_iter().chain(late(signer, verification)) {
            text += &format!("  {what:<12}{words}\n");
        }
    }
    text
}

/// What there is to say of a signer: the finding, then why.
fn rows(signer: &SignerReport) -> Vec<(&'static str, String)> {
    let info = signer.info.as_ref();
    let mut rows = Vec::new();
    match &signer.certificate {
        Some(certificate) => {
            rows.push(("name", certificate.subject_name()));
            rows.push(("addresses", certificate.addresses().join(", ")));
            rows.push(("serial", certificate.serial_hex()));
        }
        None => rows.extend(info.map(|info| ("identifier", info.signer_identifier().to_string()))),
    }
    let algorithm = info.and_then(SignerInfo::scheme).map(|scheme| format!(", {scheme}")).unwrap_or_default();
    let time = info.and_then(SignerInfo::signing_time).map(|time| format!(", at {time}")).unwrap_or_default();
    rows.push(match &signer.integrity {
        Ok(()) => ("signature", format!("sound{algorithm}{time}")),
        Err(flaw) => ("signature", format!("NOT SOUND: {flaw}{algorithm}{time}")),
    });
    match &signer.trust {
        Some(Ok(path)) => rows.extend(trusted(path)),
        Some(Err(why)) => rows.push(("trust", format!("NOT TRUSTED: {why}"))),
        None => {}
    }
    rows.extend(signer.identity.as_ref().map(|identity| ("sender", identity.to_string())));
    rows
}

/// A signing time that is not that of the mail.
fn late(signer: &SignerReport, verification: &Verification) -> Option<(&'static str, String)> {
    let (signed, written) = (signer.info.as_ref()?.signing_time()?, verification.date?);
    let apart = signed.0.abs_diff(written.0);
    (apart > HOUR).then(|| ("warning", format!("the mail is dated {written}, {} hours apart", apart / HOUR)))
}

fn trusted(path: &Path) -> Vec<(&'static str, String)> {
    let names: Vec<_> = path.certificates.iter().skip(1).map(Certificate::subject_name).collect();
    let by =
        if names.is_empty() { "as it is an anchor itself".to_owned() } else { format!("by {}", names.join(", by ")) };
    let status = path.revocation.first().map_or("not looked at", |status| revocation(*status));
    let mut rows = vec![("trust", format!("trusted {by}")), ("revocation", status.to_owned())];
    rows.extend(path.warnings.iter().map(|warning| ("warning", warning.to_string())));
    rows
}
