//! The command line of `sealpost tls`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use sealpost::{
    mail::{Address, Domain},
    tls_policy::{Guarantee, Time, explain},
};

use crate::time::instant;

mod serve;
mod set;

pub(crate) use serve::{Allow, Serve};
pub(crate) use set::{Role, Set, Setting};

#[derive(Debug, Subcommand)]
pub(crate) enum Tls {
    /// What would become of a mail to an address, and why.
    ///
    /// Exit codes: 0 it would go out (in clear too, where nothing forbids that: see the table); 30 it would wait; 31 it
    /// would come back to its sender.
    Explain(Explain),
    /// Whether mail to a domain goes safely: its MX records, DNSSEC, DANE, MTA-STS, and STARTTLS of each host.
    ///
    /// For before a forward or a guarantee is set up. Exit codes: 0 it does; 32 it does not.
    Check(Check),
    /// Which mails of a recorded day would have been stopped or rerouted under other settings.
    WhatIf(WhatIf),
    /// What a report about TLS says that somebody sent (RFC 8460).
    Report(Report),
    /// Change a setting, with a record of who, when, what, old and new.
    Set(Set),
    /// Let one mail of a user to one recipient go without the guarantee, within minutes, with a record of it.
    Allow(Allow),
    /// Answer what Postfix asks: socketmaps, and policy delegation. Ends on SIGTERM; SIGHUP reads the settings again.
    Serve(Serve),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Explain {
    /// The recipient.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: Address,
    /// The sender, whose guarantee the settings know.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: Option<Address>,
    /// What is known: a line of a recorded day, or what --json printed before. Without it, DNS and the hosts are asked.
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    /// As for a sender with the guarantee.
    #[arg(long, conflicts_with = "strict")]
    pub(crate) guarantee: bool,
    /// As for a sender with the strict guarantee: the host must be authenticated, too.
    #[arg(long)]
    pub(crate) strict: bool,
    /// As for a mail whose envelope asks for REQUIRETLS.
    #[arg(long)]
    pub(crate) requiretls: bool,
    /// As for a mail with the header TLS-Required: No.
    #[arg(long)]
    pub(crate) tls_required_no: bool,
    /// As for a mail that came about so.
    #[arg(long, value_enum, default_value_t = Origin::Submitted)]
    pub(crate) origin: Origin,
    /// The settings of the organisation. The alternate route is taken to be up, and as secure as they say.
    #[arg(long, value_name = "SETTINGS")]
    pub(crate) policy: Option<PathBuf>,
    /// The language of the table.
    #[arg(long, value_name = "TAG", default_value = "en", value_parser = language)]
    pub(crate) language: explain::Language,
    #[command(flatten)]
    pub(crate) network: Network,
    #[command(flatten)]
    pub(crate) clock: Clock,
}

impl Explain {
    /// The guarantee that the command line asks for.
    pub(crate) const fn asked_guarantee(&self) -> Option<Guarantee> {
        match (self.strict, self.guarantee) {
            (true, _) => Some(Guarantee::Strict),
            (_, true) => Some(Guarantee::On),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Origin {
    /// Its user submitted it.
    Submitted,
    /// The server answers for a user who is away.
    VacationReply,
    /// A user's own permanent forward.
    UserForward,
    /// The server tells what became of another mail.
    Dsn,
    /// Anything else.
    Other,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The domain of the recipients.
    #[arg(value_name = "DOMAIN")]
    pub(crate) domain: Domain,
    /// What is known: a line of a recorded day. Without it, DNS and the hosts are asked.
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) network: Network,
    #[command(flatten)]
    pub(crate) clock: Clock,
}

#[derive(Debug, Args)]
pub(crate) struct WhatIf {
    /// The recorded day: a JSON object a line; - is stdin.
    #[arg(long, value_name = "FILE")]
    pub(crate) facts: PathBuf,
    /// The settings to try. The alternate route is taken to be up, and as secure as they say.
    #[arg(long, value_name = "SETTINGS")]
    pub(crate) policy: PathBuf,
    /// The settings to compare with. Without it, none at all.
    #[arg(long, value_name = "SETTINGS")]
    pub(crate) old: Option<PathBuf>,
    /// How many domains to list.
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub(crate) top: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The report as JSON, packed with gzip or not, or the mail that carries it; - or nothing is stdin.
    #[arg(value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// How the network is asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct Network {
    /// A name server; those of the system, if it is not given. May be given several times.
    #[arg(long = "nameserver", value_name = "IP:PORT")]
    pub(crate) nameservers: Vec<SocketAddr>,
    /// A file with trust anchors of DNSSEC, as DNSKEY records; those of the root, if it is not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) anchors: Option<PathBuf>,
    /// A file with certificates in PEM that are trusted; those of the system, if it is not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) roots: Option<PathBuf>,
    /// The name to greet hosts with.
    #[arg(long, value_name = "NAME", default_value = "localhost.localdomain")]
    pub(crate) helo: Domain,
    /// For how many seconds a host may be silent.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub(crate) patience: u64,
}

/// The time.
#[derive(Debug, Args)]
pub(crate) struct Clock {
    /// Another time than it is.
    #[arg(long, value_name = "TIME", value_parser = instant, hide = true)]
    pub(crate) clock: Option<Time>,
}

fn language(tag: &str) -> Result<explain::Language, String> {
    explain::Language::from_tag(tag).ok_or_else(|| "a language is en or de".to_owned())
}
