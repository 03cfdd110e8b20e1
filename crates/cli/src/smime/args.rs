//! The command line of `sealpost smime`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::forward::args::Forward;
use crate::args::InOut;

#[derive(Debug, Subcommand)]
pub(crate) enum Smime {
    /// Sign a mail.
    ///
    /// Parts with 8-bit octets or long lines are encoded first, so that no relay has to.
    Sign(Sign),
    /// Say who signed a mail, how that was judged and why.
    ///
    /// Exit codes: 0 valid; 10 a signature is invalid; 11 a signer is not trusted; 12 the sender is not the signer;
    /// 1 the mail is not signed or can't be read.
    Verify(Verify),
    /// Encrypt a mail to the owners of certificates.
    Encrypt(Encrypt),
    /// Decrypt a mail. Nothing is written unless all of it is sound.
    Decrypt(Decrypt),
    /// Show the structure of a mail. Nothing is verified or decrypted.
    Inspect(Inspect),
    /// Forwarding of encrypted mail to clients that know nothing of it.
    #[command(subcommand)]
    Forward(Forward),
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The signer's private key: PEM, DER or PKCS#12.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The signer's certificate; not needed where the key's file has it.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// A file with the passphrase of the key.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Certificates of the authorities between the signer and the root.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) chain: Vec<PathBuf>,
    /// The certificate that partners shall encrypt to, where it is another one.
    #[arg(long, value_name = "FILE")]
    pub(crate) encryption_cert: Option<PathBuf>,
    /// Put the content into the signature (application/pkcs7-mime): unreadable without S/MIME, but safe from relays.
    #[arg(long)]
    pub(crate) opaque: bool,
    /// The hash function.
    #[arg(long, value_enum, default_value_t = Hash::Sha256)]
    pub(crate) hash: Hash,
    /// RSA signs with PSS.
    #[arg(long)]
    pub(crate) pss: bool,
    /// Sign the header fields too (RFC 9788): clear, or cipher for a mail that is encrypted next.
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "clear", require_equals = true)]
    pub(crate) protect_headers: Option<Protect>,
    #[command(flatten)]
    pub(crate) files: InOut,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Protect {
    /// The mail is signed and not encrypted.
    Clear,
    /// It is encrypted next: the subject is hidden outside.
    Cipher,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Certificates that are trusted.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) trust: Vec<PathBuf>,
    /// Further certificates of authorities, where the mail lacks them.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) chain: Vec<PathBuf>,
    /// Certificate revocation lists.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) crl: Vec<PathBuf>,
    /// OCSP responses.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) ocsp: Vec<PathBuf>,
    /// Trust nobody whose revocation status is not known.
    #[arg(long)]
    pub(crate) require_revocation: bool,
    /// The time to judge at, such as 2026-11-27T08:00:00Z; now, if it is not given.
    #[arg(long, value_name = "RFC3339")]
    pub(crate) at: Option<String>,
    /// Where the signed content goes, exactly as it was signed; it is written only if the signature is valid, and - is
    /// stdout.
    #[arg(long, value_name = "OUT")]
    pub(crate) content: Option<PathBuf>,
    /// The mail; - or nothing is stdin.
    #[arg(value_name = "IN")]
    pub(crate) input: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Encrypt {
    /// The recipients' certificates.
    #[arg(long, value_name = "CERT", required = true, num_args = 1..)]
    pub(crate) to: Vec<PathBuf>,
    /// The cipher; if it is not given, the best that all recipients are known to read.
    #[arg(long, value_enum)]
    pub(crate) cipher: Option<Cipher>,
    /// How RSA carries the content key.
    #[arg(long, value_enum)]
    pub(crate) rsa: Option<Rsa>,
    /// Encrypt the header fields too, and hide the subject (RFC 9788).
    #[arg(long)]
    pub(crate) protect_headers: bool,
    #[command(flatten)]
    pub(crate) files: InOut,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Cipher {
    #[value(name = "aes-256-cbc")]
    Aes256Cbc,
    #[value(name = "aes-128-cbc")]
    Aes128Cbc,
    #[value(name = "aes-256-gcm")]
    Aes256Gcm,
    #[value(name = "aes-128-gcm")]
    Aes128Gcm,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Rsa {
    /// RSAES-OAEP with SHA-256.
    Oaep,
    /// RSAES-PKCS1-v1_5: what every program reads.
    Pkcs1,
}

#[derive(Debug, Args)]
pub(crate) struct Decrypt {
    /// A recipient's private key: PEM, DER or PKCS#12; may be given several times.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) key: Vec<PathBuf>,
    /// That recipient's certificate, in the order of the keys; not needed where the key's file has it.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Vec<PathBuf>,
    /// A file with the passphrase of the keys.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Who the mail was delivered to: only keys whose certificate has this address are tried.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) recipient: Option<String>,
    /// Read Triple-DES and RC2 too.
    #[arg(long)]
    pub(crate) legacy: bool,
    #[command(flatten)]
    pub(crate) files: InOut,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The mail; - or nothing is stdin.
    #[arg(value_name = "IN")]
    pub(crate) input: Option<PathBuf>,
}
