//! What keeps a store and its keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sealpost::rollover::Slot;

use super::{At, slot};

/// What keeps a store and its keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Keep {
    /// A new version of the key-encryption key, and all keys wrapped again under it. Whoever stops goes on later.
    Rekey(Rekey),
    /// Copy everything to an empty store, whatever its database. Its key-encryption key stays the same.
    Copy(Copy),
    /// Write a copy of a store in a file while it is used.
    Backup(Backup),
    /// Write a key with its certificates as PKCS#12, for whoever takes it along.
    ExportP12(ExportP12),
    /// Take in the keys of a PKCS#12 file, old ones (RC2, 3DES) too: what a user had before, or an archive. The newest
    /// signs until its successor is due; all decrypt.
    ImportP12(ImportP12),
}

#[derive(Debug, Args)]
pub(crate) struct Rekey {
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Args)]
pub(crate) struct Copy {
    #[command(flatten)]
    pub(crate) at: At,
    /// The other store: sqlite:FILE, or postgres://USER@HOST/DATABASE.
    #[arg(long, value_name = "STORE")]
    pub(crate) to: String,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    pub(crate) at: At,
    /// The new file. Keys are in it as they are in the store, sealed: keep the key-encryption key too, and elsewhere.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ExportP12 {
    #[command(flatten)]
    pub(crate) at: At,
    /// Whose.
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,
    /// Where it goes; - is stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// A file with the passphrase that it gets.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: PathBuf,
    /// Which slot's key; the one that signs, if it is not given.
    #[arg(long, value_parser = slot, value_name = "dual|sign|encrypt")]
    pub(crate) slot: Option<Slot>,
    /// Which generation; the one that is used now, if it is not given.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) number: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportP12 {
    #[command(flatten)]
    pub(crate) at: At,
    /// Whose: an enrolled subject.
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,
    /// The file.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A file with its passphrase.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Take in certificates for other addresses, too: of an address that the subject had before.
    #[arg(long)]
    pub(crate) other_addresses: bool,
}
