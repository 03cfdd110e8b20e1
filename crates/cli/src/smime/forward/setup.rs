//! `sealpost smime forward setup`

use sealpost::{
    ca::personal::{self, Holder},
    smime::{Certificate, Pkcs12Writer, write_pem},
    smime_forwarding::{self, Instance, SigningKeys},
};
use serde_json::json;
use zeroize::Zeroizing;

use super::{
    args,
    forwardee::{Forwardee, signing_key},
    load::{self, Agreeing},
    passphrase, report, rng,
};
use crate::{
    failure::{At, Failure, Result},
    files::{Together, must_be_free},
    forward::{now, validity},
    output::Output,
};

const INSTANCE: &str = "instance-0.json";

/// Rounds of key derivation: .NET refuses more than 300,000, and the passphrase has 125 random bits.
const ROUNDS: u32 = 100_000;

pub(super) fn run(args: &args::Setup, output: Output) -> Result {
    let validity = validity((args.not_before, args.not_after), now()?)?;
    let holder: Holder = args.to.parse().at("--to")?;
    let forwarder = load::agreeing(&args.key, &args.cert, args.password_file.as_ref())?;
    // What stands in the way is known before a key is made or an authority asked.
    let curve = named(args, Instance::curve_for((&forwarder.key, &forwarder.certificates), signing(args)))?;
    let names = Names::of(&holder);
    if args.request {
        names.must_be_free(args, &[".key", ".key.pass", ".csr"])?;
        let key = signing_key(args, curve)?;
        return request(args, &holder, &key, &names, output);
    }
    must_be_free(&args.out, INSTANCE)?;
    names.must_be_free(args, &[".p12", ".pass", ".pem"])?;
    let first = forwarder.certificates.first().ok_or_else(|| Failure::new("there is no certificate"))?;
    let forwardee = Forwardee::new(args, &holder, (first, curve))?;
    let (from, to) = ((&forwarder.key, &*forwarder.certificates), (&forwardee.key, &forwardee.certificate));
    let instance = named(args, Instance::compute(from, to, signing(args)))?.valid(validity);
    let files = write(args, &names, (&forwarder, &forwardee), &instance)?;
    report(&files, &holder, (&forwarder, &forwardee), &instance, output);
    Ok(())
}

fn signing(args: &args::Setup) -> SigningKeys {
    if args.allow_signing_key { SigningKeys::Accept } else { SigningKeys::Refuse }
}

/// Says where it is wrong, and what can be done.
fn named<T>(args: &args::Setup, done: smime_forwarding::Result<T>) -> Result<T> {
    let place = args.cert.first().unwrap_or(&args.key);
    match done {
        Err(error @ smime_forwarding::Error::SigningKey) => {
            // Any of the key's certificates may be the one, also one that stands beside the key.
            let place = args.key.display();
            let way_out = "use a key for encryption only, or accept that with --allow-signing-key";
            Err(Failure::new(format!("{place}: {error}; {way_out}")))
        }
        done => done.at(place),
    }
}

/// What the forwardee's files are called: as the local part of the address, in characters that no system and no shell
/// takes for something else.
struct Names(String);

impl Names {
    fn of(holder: &Holder) -> Self {
        let local = holder.address().rsplit_once('@').map_or("forwardee", |(local, _)| local);
        let safe = |(place, c): (usize, char)| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => c,
            '-' | '.' if place > 0 => c,
            _ => '_',
        };
        Self(local.chars().enumerate().map(safe).collect())
    }

    fn with(&self, end: &str) -> String {
        format!("{}{end}", self.0)
    }

    fn must_be_free(&self, args: &args::Setup, ends: &[&str]) -> Result {
        ends.iter().try_for_each(|end| must_be_free(&args.out, &self.with(end)))
    }
}

/// A key, and a request for a certificate.
fn request(
    args: &args::Setup,
    holder: &Holder,
    key: &sealpost::smime::key::SoftwareKey,
    names: &Names,
    output: Output,
) -> Result {
    let request = personal::certification_request(key, holder).at("the request")?;
    let passphrase = passphrase::make();
    let locked = key.encrypt_pkcs8(&passphrase, ROUNDS, &mut rng()).at("the forwardee's key")?;
    let mut new = Together::within(&args.out)?;
    let key = new.add(&names.with(".key"), write_pem("ENCRYPTED PRIVATE KEY", &locked).as_bytes())?;
    let password = new.add(&names.with(".key.pass"), &passphrase::file(&passphrase))?;
    let request = new.add(&names.with(".csr"), write_pem("CERTIFICATE REQUEST", &request).as_bytes())?;
    new.keep()?;
    let json = json!({ "request": request, "key": key, "passphrase": password });
    let text = format!(
        "For an authority: {request}\nThe key, which stays here until then: {key}, its passphrase: {password}\n\
         With the certificate: the same command with --forwardee-key {key} --forwardee-password-file {password} \
         --forwardee-cert FILE instead of --request\n"
    );
    output.result(&json, &text);
    Ok(())
}

/// What was written.
struct Files {
    p12: String,
    passphrase: String,
    certificate: String,
    instance: String,
}

fn write(
    args: &args::Setup,
    names: &Names,
    (forwarder, forwardee): (&Agreeing, &Forwardee),
    instance: &Instance,
) -> Result<Files> {
    let passphrase = passphrase::make();
    let from = forwarder.certificates.iter().flat_map(Certificate::addresses).next();
    // By this people find it among other certificates, of which the forwardee may have some.
    let label = format!("mail forwarded from {}", from.as_deref().unwrap_or("somebody"));
    let p12 = Pkcs12Writer::new(&forwardee.key, &forwardee.certificate).chain(forwardee.chain.clone());
    let p12 = p12.name(label).rounds(ROUNDS).write(&passphrase, &mut rng()).at("the PKCS#12 file")?;
    let all = std::iter::once(&forwardee.certificate).chain(&forwardee.chain);
    let pem: String = all.map(|certificate| write_pem("CERTIFICATE", certificate.as_der()).to_string()).collect();
    let mut new = Together::within(&args.out)?;
    let files = Files {
        p12: new.add(&names.with(".p12"), &p12)?,
        passphrase: new.add(&names.with(".pass"), &passphrase::file(&passphrase))?,
        certificate: new.add(&names.with(".pem"), pem.as_bytes())?,
        instance: new.add(INSTANCE, Zeroizing::new(instance.expose_json()).as_bytes())?,
    };
    new.keep()?;
    Ok(files)
}

fn report(
    files: &Files,
    holder: &Holder,
    (forwarder, forwardee): (&Agreeing, &Forwardee),
    instance: &Instance,
    output: Output,
) {
    let group = instance.factor().group();
    let json = json!({
        "forwardee": {
            "key": files.p12,
            "passphrase": files.passphrase,
            "certificate_file": files.certificate,
            "certificate": report::certificate(&forwardee.certificate),
        },
        "instance": {
            "file": files.instance,
            "group": group.to_string(),
            "forwarder": forwarder.certificates.iter().map(report::certificate).collect::<Vec<_>>(),
            "not_before": instance.validity().not_before.map(|time| time.0),
            "not_after": instance.validity().not_after.map(|time| time.0),
        },
    });
    let mut text = format!("Forwarded to {} <{}>, on {group}:\n", holder.name(), holder.address());
    for certificate in &forwarder.certificates {
        text += &format!("  mail to {}, serial number {}\n", certificate.subject_name(), certificate.serial_hex());
    }
    text += &format!("For the server, by a safe way: {}\n", files.instance);
    text += &format!("For the forwardee alone, by a safe way: {}\n", files.p12);
    text += &format!("and by another one its passphrase: {}\n", files.passphrase);
    text += &format!("The certificate, with which the server verifies the instance: {}\n", files.certificate);
    text += "Whoever has both the instance and the forwardee's key has the forwarder's key: delete them here.\n";
    output.result(&json, &text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_names_that_nothing_takes_for_something_else() {
        for (address, name) in [
            ("charles@example.org", "charles"),
            ("-rf@example.org", "_rf"),
            (".hidden/x@example.org", "_hidden_x"),
            ("a.b+c'd@example.org", "a.b_c_d"),
            ("çharles@example.org", "_harles"),
        ] {
            // An address with a dot in front is none.
            let Ok(holder) = Holder::new(None, address) else { continue };
            assert_eq!(Names::of(&holder).with(""), name);
        }
    }

    #[test]
    fn passphrases_can_be_typed_and_are_new_each_time() {
        let [one, other] = [passphrase::make(), passphrase::make()];
        assert_ne!(one, other);
        assert!(one.split('-').all(|group| group.len() == 5 && group.bytes().all(|c| c.is_ascii_alphanumeric())));
        assert_eq!((one.len(), one.capacity()), (29, 30));
    }
}
