//! The command line of `sealpost tls set`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use sealpost::{
    mail::{Address, Domain},
    tls_policy::{
        Guarantee, Level, Time,
        settings::{Destination, Party},
    },
};

use super::Clock;
use crate::time::instant;

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The settings; made if the file is missing. Comments in it are lost.
    #[arg(long, value_name = "SETTINGS")]
    pub(crate) settings: PathBuf,
    /// The audit chain of the changes; FILE.audit beside the settings' FILE, if it is not given. Verify it with:
    /// sealpost rollover audit verify --file
    #[arg(long, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,
    /// Who changes it; of a user the address. The caller makes sure of that.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: String,
    /// What they may do.
    #[arg(long, value_enum, default_value_t = Role::TopAdministrator)]
    pub(crate) role: Role,
    /// From when on it is in force; at once, if it is not given.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) effective_from: Option<Time>,
    #[command(subcommand)]
    pub(crate) setting: Setting,
    #[command(flatten)]
    pub(crate) clock: Clock,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Role {
    /// The own guarantee.
    User,
    /// Guarantees, rules, and what the organisation demands.
    Administrator,
    /// The alternate secure route, too.
    TopAdministrator,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Setting {
    /// A user's guarantee.
    Guarantee {
        /// Whose.
        user: Address,
        /// Which.
        #[arg(value_enum)]
        guarantee: GuaranteeWord,
    },
    /// Switch a user's guarantee off; it comes back by itself.
    Off {
        /// Whose.
        user: Address,
        /// Until when, within a day.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        until: Time,
    },
    /// Switch a user's guarantee on again before its time.
    On {
        /// Whose.
        user: Address,
    },
    /// How secure the organisation wants the way to and from somebody to be.
    Compliance {
        /// An address, a domain, or .DOMAIN for what is below it.
        party: Party,
        /// How secure.
        #[arg(value_enum)]
        level: LevelWord,
    },
    /// How secure a connection to a destination must be, at least.
    Floor {
        /// A domain, .DOMAIN for what is below it, or [HOST]:PORT.
        destination: Destination,
        /// How secure.
        #[arg(value_enum)]
        level: LevelWord,
    },
    /// Set a destination's own policies (DANE, MTA-STS) aside for a while. No guarantee is.
    Exception {
        /// A domain, .DOMAIN for what is below it, or [HOST]:PORT.
        destination: Destination,
        /// Until when.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        until: Time,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who answers for it.
        #[arg(long, value_name = "NAME")]
        owner: String,
    },
    /// Take out the floor or the exception of a destination.
    NoRule {
        /// As it was given.
        destination: Destination,
    },
    /// Register a host that may become the alternate secure route.
    Host {
        /// What it is called here.
        name: String,
        /// Its name in DNS.
        host: Domain,
        /// Its port.
        #[arg(long, value_name = "PORT", default_value_t = 25)]
        port: u16,
        /// It must come with TLS 1.3.
        #[arg(long)]
        tls13: bool,
        /// It holds to the recipients' own policies itself.
        #[arg(long)]
        enforces_recipient_policy: bool,
    },
    /// Take out a host.
    NoHost {
        /// What it is called here.
        name: String,
    },
    /// Bind the alternate secure route to a registered host.
    Route {
        /// What it is called here.
        name: String,
    },
    /// Take the alternate secure route away.
    NoRoute,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum GuaranteeWord {
    /// None.
    Off,
    /// TLS 1.2 or newer.
    On,
    /// That, to a host that is authenticated.
    Strict,
}

impl From<GuaranteeWord> for Guarantee {
    fn from(word: GuaranteeWord) -> Self {
        match word {
            GuaranteeWord::Off => Self::Off,
            GuaranteeWord::On => Self::On,
            GuaranteeWord::Strict => Self::Strict,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LevelWord {
    /// Nothing is demanded any more.
    None,
    /// TLS 1.2 or newer, whoever answers.
    Encrypt,
    /// That, with a valid certificate.
    Secure,
    /// That, by DANE.
    DaneOnly,
    /// TLS 1.3, whoever answers.
    Tls13,
}

impl From<LevelWord> for Option<Level> {
    fn from(word: LevelWord) -> Self {
        match word {
            LevelWord::None => None,
            LevelWord::Encrypt => Some(Level::Encrypted),
            LevelWord::Secure => Some(Level::Authenticated),
            LevelWord::DaneOnly => Some(Level::DaneOnly),
            LevelWord::Tls13 => Some(Level::Tls13),
        }
    }
}
