//! The command line of `sealpost smime forward`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::args::{Disposition, InOut};

#[derive(Debug, Subcommand)]
pub(crate) enum Forward {
    /// The forwarder: make a key and a certificate for the forwardee, and an instance for the server.
    ///
    /// Of charles@example.org come charles.p12 for his mail program, charles.pass with its passphrase, charles.pem with the
    /// certificate alone, and instance-0.json for the server. The certificate is signed by its own key, unless --authority
    /// or --request says otherwise. Nothing is replaced.
    Setup(Setup),
    /// The server: turn a mail for the forwarder into one for the forwardee, without reading it.
    ///
    /// Nothing is written if nothing was transformed: exit code 3.
    Transform(Transform),
    /// The server: check that an instance belongs to two certificates, before the first mail.
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// The forwarder's private key: PEM, DER or PKCS#12. One of P-256, P-384 or X25519; mail to RSA keys can't be forwarded.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// All certificates of that key, also those before it was renewed; not needed where the key's file has them.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) cert: Vec<PathBuf>,
    /// A file with the passphrase of that key.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The forwardee's name and address: "Charles <charles@example.org>".
    #[arg(long, value_name = "MAILBOX")]
    pub(crate) to: String,
    /// The folder for the new files; made if it is missing.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// From when on the server may use the instance: seconds since 1970.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) not_before: Option<u64>,
    /// Until when the server may use the instance: seconds since 1970.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) not_after: Option<u64>,
    /// Take a key whose certificate lets it sign: server and forwardee together could then sign as the forwarder.
    #[arg(long)]
    pub(crate) allow_signing_key: bool,
    /// The certificate comes from the local authority in this folder (see rollover init).
    #[arg(long, value_name = "FOLDER", conflicts_with = "request")]
    pub(crate) authority: Option<PathBuf>,
    /// Make only the key, charles.key under the passphrase in charles.key.pass, and charles.csr, a request to an authority.
    /// Once it has issued a certificate: --forwardee-key.
    #[arg(long)]
    pub(crate) request: bool,
    /// The forwardee's key, made with --request, instead of a new one. It must serve no other forward: whoever forwards to
    /// a key that another forwarder knows gives that one, together with the server, the own key.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["authority", "request"])]
    pub(crate) forwardee_key: Option<PathBuf>,
    /// Its certificate, and those above it; not needed where the key's file has them.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "forwardee_key")]
    pub(crate) forwardee_cert: Vec<PathBuf>,
    /// A file with the passphrase of the forwardee's key. The files that are written get a new one.
    #[arg(long, value_name = "FILE", requires = "forwardee_key")]
    pub(crate) forwardee_password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Transform {
    /// An instance; may be given several times.
    #[arg(long = "instance", value_name = "FILE", required = true)]
    pub(crate) instances: Vec<PathBuf>,
    /// What becomes of other recipients.
    #[arg(long, value_enum, default_value_t = Disposition::Keep)]
    pub(crate) others: Disposition,
    #[command(flatten)]
    pub(crate) files: InOut,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The forwarder's certificate.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,
    /// The forwardee's certificate, or a PKCS#12 file with it.
    #[arg(long, value_name = "FILE")]
    pub(crate) forwardee: PathBuf,
    /// A file with the passphrase of that PKCS#12 file.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The instance.
    #[arg(long, value_name = "FILE")]
    pub(crate) instance: PathBuf,
}
