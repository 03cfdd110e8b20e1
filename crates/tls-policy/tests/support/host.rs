//! SMTP servers on 127.0.0.1, each for one connection, that do what a test tells them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use getrandom::{SysRng, rand_core::UnwrapErr};
use p256::{
    SecretKey,
    ecdsa::{DerSignature, SigningKey},
    elliptic_curve::Generate,
    pkcs8::EncodePrivateKey,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use x509_cert::{
    TbsCertificate,
    builder::{Builder, CertificateBuilder, profile::BuilderProfile},
    der::{Encode, asn1::Ia5String},
    ext::{
        Extension, ToExtension,
        pkix::{BasicConstraints, SubjectAltName, name::GeneralName},
    },
    name::Name,
    serial_number::SerialNumber,
    spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef},
    time::Validity,
};

/// Does `what` with the first connection, and gives back where.
pub(crate) async fn host<F>(what: impl FnOnce(Host<TcpStream>) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        what(Host(BufReader::new(tcp))).await;
    });
    address
}

/// The server's side of a connection.
pub(crate) struct Host<S>(pub(crate) BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Host<S> {
    /// Says this. The client may be gone.
    pub(crate) async fn say(&mut self, octets: impl AsRef<[u8]>) {
        let _ = self.0.get_mut().write_all(octets.as_ref()).await;
        let _ = self.0.get_mut().flush().await;
    }

    /// The next line, without its end.
    pub(crate) async fn hear(&mut self) -> String {
        let mut line = Vec::new();
        let _ = self.0.read_until(b'\n', &mut line).await;
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    /// Greets, and answers EHLO with these keywords.
    pub(crate) async fn greet(&mut self, keywords: &[&str]) {
        self.say("220 mx.example ESMTP\r\n").await;
        self.ehlo(keywords).await;
    }

    pub(crate) async fn ehlo(&mut self, keywords: &[&str]) {
        assert_eq!(self.hear().await, "EHLO client.example");
        let mut lines = vec!["mx.example"];
        lines.extend(keywords);
        let last = lines.pop().unwrap();
        let lines = lines.into_iter().fold(String::new(), |lines, line| lines + "250-" + line + "\r\n");
        self.say(format!("{lines}250 {last}\r\n")).await;
    }
}

impl Host<TcpStream> {
    /// Offers STARTTLS and says that it goes.
    pub(crate) async fn offer(&mut self) {
        self.greet(&["STARTTLS", "REQUIRETLS"]).await;
        assert_eq!(self.hear().await, "STARTTLS");
        self.say("220 go\r\n").await;
    }

    /// The handshake.
    pub(crate) async fn secure(self, config: ServerConfig) -> Option<Host<TlsStream<TcpStream>>> {
        let tls = TlsAcceptor::from(Arc::new(config)).accept(self.0.into_inner()).await.ok()?;
        Some(Host(BufReader::new(tls)))
    }
}

/// A server with a certificate of its own for these names.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl Identity {
    pub(crate) fn new(name: &str) -> Self {
        let key = SigningKey::generate_from_rng(&mut UnwrapErr(SysRng));
        let validity = Validity::from_now(Duration::from_hours(24)).unwrap();
        let public = SubjectPublicKeyInfoOwned::from_key(key.verifying_key()).unwrap();
        let serial = SerialNumber::generate(&mut UnwrapErr(SysRng));
        let builder = CertificateBuilder::new(Profile(name.to_owned()), serial, validity, public).unwrap();
        let certificate = builder.build::<_, DerSignature>(&key).unwrap().to_der().unwrap();
        let key = SecretKey::from(&key).to_pkcs8_der().unwrap();
        Self { certificate: certificate.into(), key: key.as_bytes().to_vec().into() }
    }

    pub(crate) fn server(&self, versions: &[&'static rustls::SupportedProtocolVersion]) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let chain = vec![self.certificate.clone()];
        builder.with_no_client_auth().with_single_cert(chain, self.key.clone_key().into()).unwrap()
    }
}

/// What is in a certificate: it is its own issuer, and valid for one name.
struct Profile(String);

impl BuilderProfile for Profile {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        format!("CN={}", self.0).parse().unwrap()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> Result<Vec<Extension>, x509_cert::builder::Error> {
        let names = SubjectAltName(vec![GeneralName::DnsName(Ia5String::new(&self.0).unwrap())]);
        let ca = BasicConstraints { ca: false, path_len_constraint: None };
        let subject = tbs.subject();
        Ok(vec![ca.to_extension(subject, &[])?, names.to_extension(subject, &[])?])
    }
}
