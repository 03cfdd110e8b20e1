//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::{rollover::args::Rollover, smime::args::Smime, tls::args::Tls};

/// End-to-end encrypted forwarding of OpenPGP and S/MIME mail, S/MIME, keys that roll by themselves, and a TLS guarantee.
///
/// Exit codes: 0 done; 1 bad input, wrong key, or reading or writing failed (an output file is then absent or
/// untouched); 2 wrong command line; 3 nothing to transform; 10 to 12 see smime verify; 20 to 22 see
/// rollover tick, replace and audit verify; 30 to 32 see tls explain and check.
#[derive(Debug, Parser)]
#[command(name = "sealpost", version)]
pub(crate) struct Args {
    /// Give reports and errors as JSON: on stdout where a command has no other data, else on stderr.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Forwarding from one OpenPGP key to another; splitting of instances, also of those for S/MIME (see smime forward).
    #[command(subcommand)]
    Forward(Forward),
    /// Signing and encryption of mails with certificates.
    #[command(subcommand)]
    Smime(Smime),
    /// Keys and certificates that roll by themselves.
    #[command(subcommand)]
    Rollover(Rollover),
    /// Whether mail leaves over safe TLS, and why or why not.
    #[command(subcommand)]
    Tls(Tls),
    /// Tell the whole story in a temporary folder: who holds what, and who can read what.
    Demo,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Forward {
    /// The forwarder: make a key for the forwardee, and an instance for the server for each subkey.
    Setup(Setup),
    /// The server: check that an instance belongs to two keys, before the first mail.
    Verify(Verify),
    /// The server: turn a message for the forwarder into one for the forwardee, without reading it.
    ///
    /// Takes a binary or armored message, or a whole mail.
    Transform(Transform),
    /// The server: make the forwarded message of the original and a patch (see transform --patch-dir).
    ///
    /// If the patch turns out to be for another message, it fails: a file is not written then, but on stdout there may
    /// already be text that stands in front of the message, and messages before the one that differs.
    Apply(Apply),
    /// The forwardee: decrypt a forwarded message.
    Decrypt(Decrypt),
    /// The forwardee: open the activation token that has the passphrase of the key; prints the passphrase.
    Activate(Activate),
    /// Make two shares of an instance, of OpenPGP or of S/MIME, for two servers: neither can forward alone, nor find out
    /// the forwarder's key together with the forwardee.
    ///
    /// A mail passes both, in either order: the one that comes first uses its share-N-first.json, the other its
    /// share-N-second.json; given both, each takes the one that fits. Of two shares, share-1-first.json and share-2-second.json or the other two, come new ones: what
    /// was taken from one server before is then of no use with what is taken from the other one later.
    Split(Split),
    /// Check that two shares together belong to two keys.
    CombineCheck(CombineCheck),
    /// Read an instance in another program's format.
    Import(Import),
    /// Write an instance in another program's format.
    Export(Export),
    /// Show the packets of a message in front of its encrypted data, and which can be transformed.
    Inspect(Inspect),
    /// Measure how fast this machine multiplies points, beside curve25519-dalek; takes some seconds.
    Bench(Bench),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Setup {
    /// The forwarder's secret key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// A file with the passphrase of that key.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The forwardee's name and address: "Charles <charles@example.org>".
    #[arg(long, value_name = "USER ID")]
    pub(crate) to: String,
    /// The folder for forwardee.key.asc and instance-N.json; made if it is missing.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// The forwardee's own certificate: the new key is locked, and FOLDER/activation.asc has the passphrase,
    /// encrypted to this certificate and signed by the forwarder.
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
    /// From when on the server may use the instances: seconds since 1970.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) not_before: Option<u64>,
    /// Until when the server may use the instances: seconds since 1970.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) not_after: Option<u64>,
    /// Forward again what was forwarded to this key.
    #[arg(long)]
    pub(crate) multi_hop: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// The forwarder's public key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The forwardee's key, locked or not.
    #[arg(long, value_name = "FILE")]
    pub(crate) forwardee: PathBuf,
    /// The instance.
    #[arg(long, value_name = "FILE")]
    pub(crate) instance: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Transform {
    /// An instance; may be given several times.
    #[arg(long = "instance", value_name = "FILE", required = true)]
    pub(crate) instances: Vec<PathBuf>,
    /// Which ephemeral points are accepted.
    #[arg(long, value_enum, default_value_t = PointPolicy::Strict)]
    pub(crate) policy: PointPolicy,
    /// What becomes of the zero key ID of a hidden recipient.
    #[arg(long, value_enum, default_value_t = Wildcard::Keep)]
    pub(crate) wildcard: Wildcard,
    /// What becomes of session keys for others.
    #[arg(long, value_enum, default_value_t = Disposition::Keep)]
    pub(crate) others: Disposition,
    /// What becomes of session keys encrypted with a passphrase.
    #[arg(long, value_enum, default_value_t = Disposition::Keep)]
    pub(crate) skesks: Disposition,
    /// Write no message, but for each instance a small patch into this folder, as if it was the only one: a.patch for
    /// a.json. The folder is made if it is missing. A patch that is there already is replaced, and removed if this time
    /// the instance transforms nothing.
    #[arg(long, value_name = "FOLDER", conflicts_with = "output")]
    pub(crate) patch_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) files: InOut,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Apply {
    /// The patch.
    #[arg(value_name = "PATCH")]
    pub(crate) patch: PathBuf,
    #[command(flatten)]
    pub(crate) files: InOut,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InOut {
    /// The message; - or nothing is stdin.
    #[arg(value_name = "IN")]
    pub(crate) input: Option<PathBuf>,
    /// Where it goes; - or nothing is stdout. A file appears only once it is complete; a link to one stays a link. A
    /// device or a pipe is written as it comes.
    #[arg(value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PointPolicy {
    /// Points of Curve25519 in canonical form; what a hostile sender adds is removed.
    Strict,
    /// Exactly the draft's check: a hostile sender can learn the factor modulo 8.
    Draft,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Wildcard {
    /// It stays zero, as the draft says.
    Keep,
    /// It becomes the forwardee's key ID, as Proton does it.
    Rewrite,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Disposition {
    /// They stay.
    Keep,
    /// They are overwritten with packets that readers skip.
    Drop,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Split {
    /// The instance; given twice: the first of one share and the second of the other.
    #[arg(long = "instance", value_name = "FILE", required = true)]
    pub(crate) instances: Vec<PathBuf>,
    /// The folder for share-1-first.json, share-1-second.json, share-2-first.json and share-2-second.json; made if it is
    /// missing.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("forwarder").args(["key", "cert"]).required(true)))]
pub(crate) struct CombineCheck {
    /// Given twice: the first of one share and the second of the other.
    #[arg(long = "instance", value_name = "FILE", required = true)]
    pub(crate) instances: Vec<PathBuf>,
    /// OpenPGP: the forwarder's public key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// S/MIME: the forwarder's certificate.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// The forwardee's key, locked or not; of S/MIME its certificate, or a PKCS#12 file with it.
    #[arg(long, value_name = "FILE")]
    pub(crate) forwardee: PathBuf,
    /// A file with the passphrase of that PKCS#12 file.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Decrypt {
    /// The forwardee's key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// A file with the passphrase of that key.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) files: InOut,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Activate {
    /// The token.
    #[arg(value_name = "TOKEN")]
    pub(crate) token: PathBuf,
    /// The forwardee's own secret key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// A file with the passphrase of that key.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The forwarder's certificate, whose signature the token must have.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// A file in Proton's format: PgpVersion, ForwarderKeyFingerprint, ForwardeeKeyFingerprint, ProxyParam.
    #[arg(long, value_name = "FILE")]
    pub(crate) proton: PathBuf,
    /// Where the instance goes.
    #[arg(long, value_name = "INSTANCE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The instance to write in Proton's format.
    #[arg(long, value_name = "INSTANCE")]
    pub(crate) proton: PathBuf,
    /// Where it goes; - or nothing is stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// An instance to try on the message; may be given several times.
    #[arg(long = "instance", value_name = "FILE")]
    pub(crate) instances: Vec<PathBuf>,
    /// The message; - or nothing is stdin.
    #[arg(value_name = "IN")]
    pub(crate) input: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// How many rounds to take the medians of.
    #[arg(long, value_name = "NUMBER", default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) rounds: u32,
}
