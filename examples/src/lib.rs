//! What a mail server, a forwarder and a forwardee need of sealpost: one file each beside this folder. Run one with
//! `cargo run --example NAME`.
//!
//! Here is what a certificate authority would do for the examples of S/MIME, and a host that takes mail.

use std::{error::Error, io, net::SocketAddr, str::FromStr, time::Duration};

use getrandom::{SysRng, rand_core::UnwrapErr};
use p256::{
    SecretKey,
    ecdsa::{DerSignature, SigningKey},
    elliptic_curve::Generate,
    pkcs8::EncodePrivateKey,
};
use sealpost::smime::{Certificate, Limits, key::SoftwareKey};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use x509_cert::{
    TbsCertificate,
    builder::{Builder, CertificateBuilder, profile::BuilderProfile},
    der::{Encode, asn1::Ia5String, flagset::FlagSet},
    ext::{
        Extension, ToExtension,
        pkix::{BasicConstraints, KeyUsage, KeyUsages, SubjectAltName, name::GeneralName},
    },
    name::Name,
    serial_number::SerialNumber,
    spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef},
    time::Validity,
};

/// Somebody with a key on P-256 and a certificate for it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Person {
    /// The private key.
    pub key: SoftwareKey,
    /// The certificate.
    pub certificate: Certificate,
}

/// An authority's root certificate, and people with these addresses whose certificates it issued.
///
/// # Errors
///
/// None that could be expected.
pub fn issued(addresses: &[&str]) -> Result<(Certificate, Vec<Person>), Box<dyn Error>> {
    let authority = SigningKey::generate_from_rng(&mut UnwrapErr(SysRng));
    let root = certificate(&authority, &authority, None)?;
    let person = |address: &&str| {
        let key = SigningKey::generate_from_rng(&mut UnwrapErr(SysRng));
        let der = SecretKey::from(&key).to_pkcs8_der()?;
        let certificate = certificate(&key, &authority, Some(address))?;
        Ok(Person { key: SoftwareKey::from_der(der.as_bytes(), None, &Limits::default())?, certificate })
    };
    Ok((root, addresses.iter().map(person).collect::<Result<_, Box<dyn Error>>>()?))
}

fn certificate(key: &SigningKey, authority: &SigningKey, address: Option<&str>) -> Result<Certificate, Box<dyn Error>> {
    let validity = Validity::from_now(Duration::from_hours(24))?;
    let public = SubjectPublicKeyInfoOwned::from_key(key.verifying_key())?;
    let serial = SerialNumber::generate(&mut UnwrapErr(SysRng));
    let builder = CertificateBuilder::new(Profile { address: address.map(str::to_owned) }, serial, validity, public)?;
    let issued = builder.build::<_, DerSignature>(authority)?;
    Ok(Certificate::from_der(&issued.to_der()?)?)
}

/// The authority's own certificate, or that of the owner of an address.
struct Profile {
    address: Option<String>,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _: &Name) -> Name {
        Name::from_str("CN=Authority of the examples").unwrap_or_default()
    }

    fn get_subject(&self) -> Name {
        let Some(address) = &self.address else { return self.get_issuer(&Name::default()) };
        Name::from_str(&format!("CN={address}")).unwrap_or_default()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> Result<Vec<Extension>, x509_cert::builder::Error> {
        let subject = tbs.subject();
        let Some(address) = &self.address else {
            let usage = KeyUsage(KeyUsages::KeyCertSign.into());
            let authority = BasicConstraints { ca: true, path_len_constraint: None };
            return Ok(vec![authority.to_extension(subject, &[])?, usage.to_extension(subject, &[])?]);
        };
        let usage: FlagSet<KeyUsages> = KeyUsages::DigitalSignature | KeyUsages::KeyAgreement;
        let name = SubjectAltName(vec![GeneralName::Rfc822Name(Ia5String::new(address)?)]);
        Ok(vec![KeyUsage(usage).to_extension(subject, &[])?, name.to_extension(subject, &[])?])
    }
}

/// An SMTP server on 127.0.0.1 that knows no TLS and takes every mail.
///
/// # Errors
///
/// None that could be expected.
pub async fn host_without_tls() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            // One after the other. A client that goes away is no reason to stop.
            drop(serve(client).await);
        }
    });
    Ok(address)
}

async fn serve(client: TcpStream) -> io::Result<()> {
    let mut client = BufReader::new(client);
    client.write_all(b"220 mx.example.net\r\n").await?;
    let (mut line, mut in_mail) = (String::new(), false);
    while client.read_line(&mut line).await? > 0 {
        let reply: &[u8] = match line.trim_end() {
            "." => b"250 queued\r\n",
            _ if in_mail => b"",
            "DATA" => b"354 go on\r\n",
            _ => b"250 ok\r\n",
        };
        in_mail = if in_mail { line != ".\r\n" } else { line == "DATA\r\n" };
        client.write_all(reply).await?;
        line.clear();
    }
    Ok(())
}
