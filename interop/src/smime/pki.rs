//! Keys and certificates for one test: a root, an issuing authority, and one identity per kind of key.

use std::path::{Path, PathBuf};

use super::scratch::{Scratch, run, text};
use crate::succeeded;

/// The password of all PKCS#12 files.
pub(super) const PASSWORD: &str = "interop";

/// A key with its certificate, issued by the issuing authority.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Identity {
    /// As the table calls it.
    pub kind: &'static str,
    /// Its mail address; the part in front of the `@` is also its nickname.
    pub address: String,
    /// The certificate, PEM.
    pub certificate: PathBuf,
    /// The key, PKCS#8 as PEM.
    pub key: PathBuf,
    /// Both with the issuing authority's certificate, encrypted as old programs read it.
    pub pkcs12: PathBuf,
    /// The password of that file.
    pub password: String,
}

impl Identity {
    /// The part of the address in front of the `@`.
    #[must_use]
    pub fn nickname(&self) -> &str {
        self.address.split('@').next().unwrap_or_default()
    }

    /// Whether RSA.
    #[must_use]
    pub fn is_rsa(&self) -> bool {
        self.kind.starts_with("RSA")
    }
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Purpose {
    /// Of keyUsage, as OpenSSL writes it.
    pub usage: &'static str,
    /// Of extKeyUsage.
    pub extended: &'static str,
}

impl Purpose {
    /// RSA: to sign and to encrypt.
    pub const RSA: Self = Self { usage: "digitalSignature,keyEncipherment", extended: "emailProtection" };
    /// The same for elliptic curves.
    pub const CURVE: Self = Self { usage: "digitalSignature,keyAgreement", extended: "emailProtection" };
    /// Only to sign.
    pub const SIGN: Self = Self { usage: "digitalSignature", extended: "emailProtection" };
    /// Only to encrypt.
    pub const AGREE: Self = Self { usage: "keyAgreement", extended: "emailProtection" };

    /// With another keyUsage.
    #[must_use]
    pub fn usage(self, usage: &'static str) -> Self {
        Self { usage, ..self }
    }

    /// With another extKeyUsage.
    #[must_use]
    pub fn extended(self, extended: &'static str) -> Self {
        Self { extended, ..self }
    }
}

/// The authorities, and who has a certificate of them.
#[derive(Debug)]
pub struct Pki {
    scratch: Scratch,
    /// The root's certificate, PEM.
    pub root: PathBuf,
    /// The issuing authority's, PEM.
    pub issuing: PathBuf,
    issuing_key: PathBuf,
    /// Who signs, one for each kind of key.
    pub signers: Vec<Identity>,
    /// Who reads, one for each kind of key.
    pub readers: Vec<Identity>,
}

const RSA_2048: [&str; 4] = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const RSA_3072: [&str; 4] = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"];
const P_256: [&str; 4] = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const P_384: [&str; 4] = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
    subjectKeyIdentifier=hash\n";

impl Pki {
    /// Makes all anew.
    ///
    /// # Panics
    ///
    /// If OpenSSL does not.
    #[must_use]
    pub fn new() -> Self {
        Self::with(&["RSA-2048", "RSA-3072", "P-256", "P-384", "Ed25519", "X25519"])
    }

    /// Makes only these kinds of keys.
    ///
    /// # Panics
    ///
    /// If OpenSSL does not.
    #[must_use]
    pub fn with(kinds: &[&str]) -> Self {
        let scratch = Scratch::new();
        let [root_key, issuing_key] = [0, 1].map(|_| key(&scratch, &RSA_2048));
        let root = certify(&scratch, &root_key, "Interop Root", &["-key", text(&root_key)], AUTHORITY);
        let by_root = ["-CA", text(&root), "-CAkey", text(&root_key)];
        let extensions = format!("{AUTHORITY}authorityKeyIdentifier=keyid\n");
        let issuing = certify(&scratch, &issuing_key, "Interop Issuing", &by_root, &extensions);
        let (signers, readers) = (Vec::new(), Vec::new());
        let mut pki = Self { scratch, root, issuing, issuing_key, signers, readers };
        for (kind, key, purpose) in [
            ("RSA-2048", &RSA_2048[..], Purpose::RSA),
            ("RSA-3072", &RSA_3072, Purpose::RSA),
            ("P-256", &P_256, Purpose::CURVE),
            ("P-384", &P_384, Purpose::CURVE),
            ("Ed25519", &["-algorithm", "ED25519"], Purpose::SIGN),
            ("X25519", &["-algorithm", "X25519"], Purpose::AGREE),
        ] {
            if kinds.contains(&kind) {
                let identity = pki.identity(kind, key, purpose);
                pki.signers.extend(purpose.usage.starts_with("digitalSignature").then(|| identity.clone()));
                pki.readers.extend(purpose.usage.contains("key").then_some(identity));
            }
        }
        pki
    }

    /// One more, whose address comes from its kind. `algorithm` says to OpenSSL which key.
    ///
    /// # Panics
    ///
    /// If OpenSSL does not make it.
    #[must_use]
    pub fn identity(&self, kind: &'static str, algorithm: &[&str], purpose: Purpose) -> Identity {
        let scratch = &self.scratch;
        let nickname = kind.to_ascii_lowercase().replace([' ', '-'], "");
        let address = format!("{nickname}@example.org");
        let pkcs12 = scratch.path().join(format!("{nickname}.p12"));
        let key = key(scratch, algorithm);
        let Purpose { usage, extended } = purpose;
        let extensions = format!(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,{usage}\nextendedKeyUsage={extended}\n\
             subjectAltName=email:{address}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        );
        let issuer = ["-CA", text(&self.issuing), "-CAkey", text(&self.issuing_key)];
        let certificate = certify(scratch, &key, &nickname, &issuer, &extensions);
        let identity = Identity { kind, address, certificate, key, pkcs12, password: PASSWORD.into() };
        self.pack(&identity);
        identity
    }

    /// The same key and certificate as another identity, for programs that file keys under addresses.
    ///
    /// # Panics
    ///
    /// If OpenSSL does not make its PKCS#12 file.
    #[must_use]
    pub fn repacked(&self, identity: &Identity, kind: &'static str) -> Identity {
        let address = format!("{}@example.org", kind.to_ascii_lowercase().replace([' ', '-'], ""));
        let (pkcs12, password) = (self.scratch.fresh(), PASSWORD.into());
        let identity = Identity { kind, address, pkcs12, password, ..identity.clone() };
        self.pack(&identity);
        identity
    }

    /// Writes the PKCS#12 file.
    fn pack(&self, identity: &Identity) {
        let password = format!("pass:{}", identity.password);
        let old = ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1", "-passout", &password];
        let key = ["-inkey", text(&identity.key), "-in", text(&identity.certificate)];
        let files = ["-certfile", text(&self.issuing), "-name", identity.nickname(), "-out", text(&identity.pkcs12)];
        let _ = openssl(&[&["pkcs12", "-export"][..], &key, &files, &old].concat());
    }

    /// One more with RSA-2048.
    #[must_use]
    pub fn rsa(&self, kind: &'static str, purpose: Purpose) -> Identity {
        self.identity(kind, &RSA_2048, purpose)
    }

    /// The signer with this kind of key.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn signer(&self, kind: &str) -> &Identity {
        self.signers.iter().find(|identity| identity.kind == kind).unwrap()
    }

    /// The reader with this kind of key.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn reader(&self, kind: &str) -> &Identity {
        self.readers.iter().find(|identity| identity.kind == kind).unwrap()
    }

    /// The issuing authority's revocation list, PEM, in which this identity is.
    ///
    /// # Panics
    ///
    /// If OpenSSL does not make it.
    #[must_use]
    pub fn revoking(&self, identity: &Identity) -> PathBuf {
        let (scratch, crl) = (&self.scratch, self.scratch.fresh());
        let serial = openssl(&["x509", "-in", text(&identity.certificate), "-noout", "-serial"]);
        let serial = String::from_utf8(serial).unwrap();
        let serial = serial.trim().trim_start_matches("serial=");
        let index = scratch.file(format!("R\t491231235959Z\t260101000000Z\t{serial}\tunknown\t/CN=x\n").as_bytes());
        let settings = format!("[ca]\ndefault_ca=a\n[a]\ndatabase={}\ndefault_md=sha256\n", text(&index));
        let settings = scratch.file(settings.as_bytes());
        let by = ["-cert", text(&self.issuing), "-keyfile", text(&self.issuing_key)];
        let how = ["-crldays", "30", "-out", text(&crl)];
        let _ = openssl(&[&["ca", "-gencrl", "-config", text(&settings)][..], &by, &how].concat());
        crl
    }

    /// A CMS message with the authorities' certificates and nothing else, DER.
    ///
    /// # Panics
    ///
    /// If OpenSSL does not make it.
    #[must_use]
    pub fn certificates_only(&self) -> Vec<u8> {
        let files = ["-certfile", text(&self.issuing), "-certfile", text(&self.root)];
        openssl(&[&["crl2pkcs7", "-nocrl", "-outform", "DER"][..], &files].concat())
    }

    /// Files beside the certificates.
    #[must_use]
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }
}

impl Default for Pki {
    fn default() -> Self {
        Self::new()
    }
}

fn openssl(args: &[&str]) -> Vec<u8> {
    succeeded("openssl", run("openssl", args, &[]))
}

fn key(scratch: &Scratch, algorithm: &[&str]) -> PathBuf {
    let out = scratch.fresh();
    let _ = openssl(&[&["genpkey", "-out", text(&out)], algorithm].concat());
    out
}

/// A certificate by whom `issuer` names.
fn certify(scratch: &Scratch, key: &Path, name: &str, issuer: &[&str], extensions: &str) -> PathBuf {
    let out = scratch.path().join(format!("{}.pem", name.replace(' ', "")));
    let public = scratch.file(&openssl(&["pkey", "-in", text(key), "-pubout"]));
    let extensions = scratch.file(extensions.as_bytes());
    let subject = format!("/O=Interop/CN={name}");
    let what = ["x509", "-new", "-sha256", "-days", "800", "-subj", &subject, "-force_pubkey", text(&public)];
    let how = ["-extfile", text(&extensions), "-out", text(&out)];
    let _ = openssl(&[&what[..], issuer, &how].concat());
    out
}
