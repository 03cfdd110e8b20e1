//! The command line of `sealpost tls serve` and `sealpost tls allow`.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use sealpost::mail::Address;

use super::{Clock, Network};

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to answer socketmaps: 127.0.0.1:PORT. Postfix asks for socketmap:inet:127.0.0.1:PORT:NAME, where NAME is
    /// everyone, guarantee, guarantee-strict, each also with -tlsrpt, transport, alternate or alternate-strict.
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) socketmap: SocketAddr,
    /// Where to answer policy delegation, which lets a mail go once without the guarantee.
    #[arg(long, value_name = "IP:PORT", requires = "permissions")]
    pub(crate) policy_service: Option<SocketAddr>,
    /// The settings of the organisation.
    #[arg(long, value_name = "SETTINGS")]
    pub(crate) policy: PathBuf,
    /// The file that `sealpost tls allow` writes permissions to.
    #[arg(long, value_name = "FILE")]
    pub(crate) permissions: Option<PathBuf>,
    /// Where policies of MTA-STS are kept from one start to the next.
    #[arg(long, value_name = "FILE")]
    pub(crate) kept: Option<PathBuf>,
    /// How mail with the guarantee leaves, as transport(5) writes it.
    #[arg(long, value_name = "TRANSPORT", default_value = "guarantee:[127.0.0.1]:10027")]
    pub(crate) guarantee_transport: String,
    /// How mail with the strict guarantee leaves. If somebody has one and this is not given, that mail waits.
    #[arg(long, value_name = "TRANSPORT")]
    pub(crate) strict_transport: Option<String>,
    /// What stands in front of an address's extension: as recipient_delimiter in main.cf.
    #[arg(long, value_name = "CHARACTER", default_value_t = '+')]
    pub(crate) recipient_delimiter: char,
    /// The transport of master.cf over which mail without a guarantee leaves.
    #[arg(long, value_name = "TRANSPORT", default_value = "smtp")]
    pub(crate) ordinary_transport: String,
    #[command(flatten)]
    pub(crate) network: Network,
}

#[derive(Debug, Args)]
pub(crate) struct Allow {
    /// The file that `sealpost tls serve` reads permissions from.
    #[arg(long, value_name = "FILE")]
    pub(crate) permissions: PathBuf,
    /// The settings, beside which the audit chain is.
    #[arg(long, value_name = "SETTINGS")]
    pub(crate) settings: PathBuf,
    /// The audit chain; FILE.audit beside the settings' FILE, if it is not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,
    /// The sender, who asked for it. The caller makes sure of that.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) sender: Address,
    /// The name that the sender logs in with; the address, if it is not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// The recipient.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: Address,
    /// The server's name for the mail that was stopped, for the record.
    #[arg(long, value_name = "ID", default_value = "-")]
    pub(crate) mail: String,
    /// For how many minutes.
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=60))]
    pub(crate) minutes: i64,
    #[command(flatten)]
    pub(crate) clock: Clock,
}
