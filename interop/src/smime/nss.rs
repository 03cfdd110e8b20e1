//! NSS, Mozilla's library, by its `cmsutil`, which does CMS and leaves the mail to its caller.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use super::{
    Form, Identity, Outcome, Padding, Peer, Pki, Sealing, Signing, Transport, hash, mail,
    pki::PASSWORD,
    scratch::{Scratch, run, said, text},
};
use crate::{call, succeeded};

/// NSS with a database of its own.
#[derive(Debug)]
pub struct Nss {
    scratch: Scratch,
    database: String,
    /// Whose key it did not take, and why.
    refused: Vec<(String, String)>,
}

impl Nss {
    /// `None` if it is not installed.
    ///
    /// # Panics
    ///
    /// If it takes no certificates.
    #[must_use]
    pub fn new(pki: &Pki) -> Option<Self> {
        if call(Path::new("cmsutil"), ["-h"], &[]).is_none() {
            sealpost_testkit::missing("NSS's tools (cargo xtask test installs them)");
            return None;
        }
        let scratch = Scratch::new();
        let database = format!("sql:{}", text(scratch.path()));
        let mut nss = Self { scratch, database, refused: Vec::new() };
        let certutil = |args: &[&str]| run("certutil", [args, &["-d", &nss.database]].concat(), &[]);
        let _ = succeeded("certutil", certutil(&["-N", "--empty-password"]));
        let _ = succeeded("certutil", certutil(&["-A", "-n", "root", "-t", ",C,", "-i", text(&pki.root)]));
        let _ = succeeded("certutil", certutil(&["-A", "-n", "issuing", "-t", ",,", "-i", text(&pki.issuing)]));
        let mut refused = Vec::new();
        let others = pki.readers.iter().filter(|reader| pki.signers.iter().all(|s| s.address != reader.address));
        for identity in pki.signers.iter().chain(others) {
            // Its certificate alone, because that complaint says more.
            let certificate =
                certutil(&["-A", "-n", identity.nickname(), "-t", ",,", "-i", text(&identity.certificate)]);
            let args = ["-d", &nss.database, "-i", text(&identity.pkcs12), "-W", &identity.password, "-K", ""];
            for (what, output) in [("certificate", certificate), ("key", run("pk12util", args, &[]))] {
                if !output.status.success() {
                    refused.push((identity.address.clone(), format!("import of the {what}: {}", said(&output, words))));
                }
            }
        }
        nss.refused = refused;
        Some(nss)
    }

    fn run(&self, args: &[&str]) -> Output {
        run("cmsutil", [args, &["-d", &self.database]].concat(), &[])
    }

    /// The file that it writes.
    fn made(&self, args: &[&str], input: &[u8]) -> Outcome {
        let (input, out) = (self.scratch.file(input), self.scratch.fresh());
        let output = self.run(&[args, &["-i", text(&input), "-o", text(&out)]].concat());
        if output.status.success() { Ok(fs::read(out).unwrap()) } else { Err(said(&output, words)) }
    }

    /// A PKCS#12 file of a key and its certificate, with the password of all of them.
    ///
    /// # Panics
    ///
    /// If it is not made.
    #[must_use]
    pub fn pkcs12(&self, of: &Identity) -> PathBuf {
        let out = self.scratch.fresh();
        let args = ["-d", &self.database, "-n", of.nickname(), "-W", PASSWORD, "-K", "", "-o", text(&out)];
        let _ = succeeded("pk12util", run("pk12util", args, &[]));
        out
    }

    fn has_key(&self, of: &Identity) -> Outcome<()> {
        match self.refused.iter().find(|(address, _)| *address == of.address) {
            Some((_, why)) => Err(why.clone()),
            None => Ok(()),
        }
    }

    /// What it says of the signatures, which it does not tell by its exit code.
    fn judged(&self, args: &[&str], message: &[u8]) -> Outcome<()> {
        let report = self.made(&[&["-D", "-n", "-h", "0"], args].concat(), message)?;
        let report = String::from_utf8_lossy(&report).into_owned();
        let statuses = report.split(".status=").skip(1).filter_map(|rest| rest.split(';').next());
        let statuses: Vec<&str> = statuses.collect();
        match statuses.iter().find(|status| **status != "GoodSignature") {
            Some(status) => Err((*status).into()),
            None if statuses.is_empty() => Err(report.split_whitespace().collect::<Vec<_>>().join(" ")),
            None => Ok(()),
        }
    }
}

impl Peer for Nss {
    fn name(&self) -> &'static str {
        "NSS"
    }

    fn version(&self) -> String {
        // No tool tells it: the package does, where there is one.
        let args = ["-W", "-f", "${source:Upstream-Version}", "libnss3-tools"];
        let output = call(Path::new("dpkg-query"), args, &[]);
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    }

    fn sign(&self, how: &Signing<'_>, mail: &[u8]) -> Outcome {
        let (outer, entity) = mail::split(mail);
        self.has_key(how.by)?;
        if how.padding == Padding::Pss {
            return Err("cmsutil has no option for it".into());
        }
        let name = how.by.nickname();
        let hash = hash(how.by);
        let args = ["-S", "-G", "-P", "-H", &hash.to_ascii_uppercase(), "-N", name, "-Y", name];
        let form: &[&str] = if how.form == Form::Opaque { &[] } else { &["-T"] };
        let message = self.made(&[&args, form].concat(), &entity)?;
        Ok(match how.form {
            Form::Opaque => mail::pkcs7(&outer, "signed-data", &message),
            Form::Multipart => mail::multipart(&outer, &entity, &message, hash),
        })
    }

    fn verify(&self, mail: &[u8]) -> Outcome {
        if let Some((content, signature)) = mail::signed_parts(mail) {
            let file = self.scratch.file(&content);
            self.judged(&["-c", text(&file)], &signature)?;
            return Ok(content);
        }
        let message = mail::base64_body(mail);
        self.judged(&[], &message)?;
        self.made(&["-D"], &message)
    }

    fn encrypt(&self, how: &Sealing<'_>, mail: &[u8]) -> Outcome {
        let (outer, entity) = mail::split(mail);
        if how.transport == Transport::Oaep {
            return Err("cmsutil has no option for it".into());
        }
        self.has_key(how.to)?;
        let message = self.made(&["-E", "-r", how.to.nickname()], &entity)?;
        if mail::find(&message, &how.cipher.oid()).is_none() {
            return Err("cmsutil has no option for the cipher and takes another".into());
        }
        Ok(mail::pkcs7(&outer, "enveloped-data", &message))
    }

    fn decrypt(&self, to: &Identity, mail: &[u8]) -> Outcome {
        self.has_key(to)?;
        self.made(&["-D"], &mail::base64_body(mail))
    }
}

/// Its complaints in one line, without the names of its tools.
fn words(stderr: &str) -> String {
    let lines = stderr.lines().filter(|line| !line.is_empty());
    let lines = lines.map(|line| {
        line.trim_start_matches("cmsutil: ").trim_start_matches("pk12util: ").trim_start_matches("certutil: ")
    });
    lines.collect::<Vec<_>>().join("; ")
}
