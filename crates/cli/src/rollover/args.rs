//! The command line of `sealpost rollover`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use sealpost::rollover::{Layout, RevocationReason, Slot, SubjectKind, Time};

use crate::time::{instant, period};

mod keep;

pub(crate) use keep::{Backup, Copy, ExportP12, ImportP12, Keep, Rekey};

#[derive(Debug, Subcommand)]
pub(crate) enum Rollover {
    /// Choose policy, authority and kinds of keys for a store; it is made if there is none.
    ///
    /// What the authority's rate does not allow is refused, with the arithmetic (exit code 21).
    ///
    /// Every other verb works without it, with the defaults shown here. Choices are kept in the store, and each is in
    /// the audit chain.
    Init(Init),
    /// Enrol subjects: from now on their keys roll by themselves.
    Enroll(Enroll),
    /// New keys for subjects now, whatever is due.
    Issue(Addresses),
    /// Subjects leave: their keys roll no more, what is there still decrypts.
    Leave(Addresses),
    /// Do what is due. Call it every few minutes, from as many nodes as you like.
    ///
    /// Exit codes: 0 done; 20 something failed for some subjects and is tried again; 1 nothing was done.
    Tick(Tick),
    /// Who signs with what, until when, and what comes next.
    Status(Status),
    /// Why a subject signs with what it signs with, what comes next and when.
    Explain(Explain),
    /// Replace a set of certificates before a deadline.
    ///
    /// Says at once how many they are and whether it can be done; what can't is refused (exit code 21).
    Replace(Box<Replace>),
    /// A certificate of ours was revoked: it signs nothing any more, and its successor comes first of all.
    Revoked(Revoked),
    /// Years of many users in seconds: what a policy comes to.
    Simulate(Simulate),
    /// The record of all that happened, which nobody can change unseen.
    #[command(subcommand)]
    Audit(Audit),
    #[command(flatten)]
    Keep(Keep),
}

/// Which store.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// The store: sqlite:FILE, or postgres://USER@HOST/DATABASE. A file is made on first use.
    #[arg(long, value_name = "STORE", default_value = "sqlite:sealpost.db")]
    pub(crate) store: String,
    /// Where the key-encryption key is: file:PATH, credential:NAME (systemd), or
    /// pkcs11:MODULE?token=LABEL&key=LABEL&pin-file=PATH. If it is not given, FILE.kek beside the store's FILE. A file
    /// is made with the store (on a server, by init), and never again.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) key_source: Option<String>,
    /// Another time than the store's clock shows: for rehearsals on a copy.
    #[arg(long, value_name = "TIME", value_parser = instant, hide = true)]
    pub(crate) clock: Option<Time>,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    pub(crate) at: At,
    /// The folder of the local authority; FILE.ca beside the store's FILE, if it is not given.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) ca: Option<PathBuf>,
    /// How many requests a new authority takes an hour.
    #[arg(long, value_name = "NUMBER", default_value_t = 12_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) ca_rate: u32,
    /// When keys roll.
    #[arg(long, value_enum)]
    pub(crate) policy: Option<Preset>,
    /// When the first key is made; as the policy says, if it is not given.
    #[arg(long, value_enum)]
    pub(crate) first_key: Option<FirstKey>,
    /// Which keys are made.
    #[arg(long, value_enum)]
    pub(crate) key_type: Option<KeyType>,
    /// What certificates say they are for.
    #[arg(long, value_enum)]
    pub(crate) profile: Option<Profile>,
    /// A folder where each key that decrypts is kept a second time, before anybody learns its certificate.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) second_place: Option<PathBuf>,
    /// How many subjects there will be, if more than are enrolled: the authority's rate must suffice for all.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) users: Option<u32>,
    /// How many days the authority may be away at the worst moment without anybody being affected.
    #[arg(long, value_name = "DAYS", default_value_t = 3)]
    pub(crate) ca_outage: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// A month of overlap, spread over ten days.
    Default,
    /// One week of overlap; the new key signs at once; the first one comes with the first mail.
    #[value(name = "secumail-7d")]
    Secumail7d,
    /// A new key each year, also where certificates are valid for longer.
    Yearly,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FirstKey {
    /// With the first outgoing mail, or a click.
    OnDemand,
    /// At enrolment.
    AtEnrolment,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KeyType {
    #[value(name = "p256")]
    P256,
    #[value(name = "rsa3072")]
    Rsa3072,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Profile {
    /// For mail alone.
    Strict,
    /// For mail, and for logging in.
    Multipurpose,
}

#[derive(Debug, Args)]
pub(crate) struct Enroll {
    #[command(flatten)]
    pub(crate) at: At,
    /// Mail addresses, domains, or names of credentials.
    #[arg(value_name = "ADDRESS", required_unless_present = "from")]
    pub(crate) addresses: Vec<String>,
    /// A file with more of them, one a line; - is stdin. Empty lines and those with # in front are skipped.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// What they are.
    #[arg(long, value_parser = kind, default_value = "mailbox", value_name = "mailbox|shared-mailbox|domain|ca-credential")]
    pub(crate) kind: SubjectKind,
    /// One key for signing and decrypting (dual), or one for each (split).
    #[arg(long, value_parser = layout, default_value = "dual", value_name = "dual|split")]
    pub(crate) layout: Layout,
}

#[derive(Debug, Args)]
pub(crate) struct Addresses {
    #[command(flatten)]
    pub(crate) at: At,
    /// Whose.
    #[arg(value_name = "ADDRESS", required = true)]
    pub(crate) addresses: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Tick {
    #[command(flatten)]
    pub(crate) at: At,
    /// Go on until nothing is left that can be done now, also while the authority's rate fills up again.
    #[arg(long)]
    pub(crate) until_quiet: bool,
    /// What this node calls itself in the audit chain; the host's name, if it is not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
    /// The clock is right, though it jumped since the last look.
    #[arg(long)]
    pub(crate) accept_clock: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) at: At,
    /// Only these subjects.
    #[arg(value_name = "ADDRESS")]
    pub(crate) addresses: Vec<String>,
    /// How many subjects are shown: those that need a certificate first. With --json all are.
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) at: At,
    /// Whose.
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,
    /// At another time than now.
    #[arg(long = "at", value_name = "TIME", value_parser = instant)]
    pub(crate) at_time: Option<Time>,
}

#[derive(Debug, Args)]
pub(crate) struct Replace {
    #[command(flatten)]
    pub(crate) at: At,
    #[command(flatten)]
    pub(crate) which: Which,
    /// The deadline.
    #[arg(long, value_name = "TIME", value_parser = instant, required_unless_present_any = ["list", "pause", "resume"])]
    pub(crate) before: Option<Time>,
    /// Why, for the audit chain.
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["list", "pause", "resume"])]
    pub(crate) reason: Option<String>,
    /// Only say what would be done, and whether it can be.
    #[arg(long)]
    pub(crate) rehearse: bool,
    /// Start it although it can't be done in time: as many as possible are replaced.
    #[arg(long)]
    pub(crate) anyway: bool,
    /// Show the replacements.
    #[arg(long, conflicts_with_all = ["before", "reason", "pause", "resume"])]
    pub(crate) list: bool,
    /// Let a replacement rest.
    #[arg(long, value_name = "N", conflicts_with_all = ["before", "reason", "resume"])]
    pub(crate) pause: Option<u64>,
    /// Let it go on.
    #[arg(long, value_name = "N", conflicts_with_all = ["before", "reason"])]
    pub(crate) resume: Option<u64>,
}

/// Which certificates: those that meet all that is given.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// From this issuer: its certificate (PEM or DER), or its name in DER.
    #[arg(long, value_name = "FILE")]
    pub(crate) issuer: Option<PathBuf>,
    /// Of this product: its policy identifier, such as 2.23.140.1.5.1.3.
    #[arg(long, value_name = "OID")]
    pub(crate) product: Option<String>,
    /// Valid from a time between these on; either may be left out.
    #[arg(long, value_name = "FROM..TO", value_parser = period)]
    pub(crate) not_before: Option<(Option<Time>, Option<Time>)>,
    /// With one of these serial numbers: a file with one a line, in hexadecimal digits.
    #[arg(long, value_name = "FILE")]
    pub(crate) serials: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Revoked {
    #[command(flatten)]
    pub(crate) at: At,
    /// The certificate (PEM or DER).
    #[arg(long, value_name = "FILE", required_unless_present = "serial")]
    pub(crate) cert: Option<PathBuf>,
    /// Its issuer: the issuer's certificate (PEM or DER), or its name in DER.
    #[arg(long, value_name = "FILE", requires = "serial", conflicts_with = "cert")]
    pub(crate) issuer: Option<PathBuf>,
    /// Its serial number in hexadecimal digits.
    #[arg(long, value_name = "HEX", requires = "issuer", conflicts_with = "cert")]
    pub(crate) serial: Option<String>,
    /// Why.
    #[arg(long, value_parser = reason, default_value = "unspecified",
        value_name = "unspecified|key-compromise|affiliation-changed|superseded|privilege-withdrawn")]
    pub(crate) reason: RevocationReason,
    /// Since when; now, if it is not given.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) since: Option<Time>,
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// How many users. With one, its whole life is shown.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) users: u32,
    /// How many years.
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) years: u16,
    /// When keys roll.
    #[arg(long, value_enum, default_value_t = Preset::Default)]
    pub(crate) policy: Preset,
    /// The authority does not answer for so many days once in each year.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=365))]
    pub(crate) ca_outage: Option<u16>,
    /// How many requests the authority takes an hour.
    #[arg(long, value_name = "NUMBER", default_value_t = 12_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,
    /// With one user: its life as a picture.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Look whether nothing was changed, left out or put in (else exit code 22).
    Verify(Verify),
    /// Write the records, as JSON, one a line: for audit verify --file.
    Export(Export),
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) at: At,
    /// Instead of a store's: the records in a file that audit export wrote; - is stdin. No store is needed.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A record that must be there: its number and its hash, as an earlier audit verify said them. So it is found too
    /// if the last records were cut off.
    #[arg(long, value_name = "NUMBER:HASH")]
    pub(crate) expect: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) at: At,
    /// Where they go; - or nothing is stdout.
    #[arg(value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
}

fn slot(word: &str) -> Result<Slot, String> {
    Slot::from_word(word).ok_or_else(|| one_of(&Slot::ALL.map(Slot::word)))
}

fn kind(word: &str) -> Result<SubjectKind, String> {
    SubjectKind::from_word(word).ok_or_else(|| one_of(&SubjectKind::ALL.map(SubjectKind::word)))
}

fn layout(word: &str) -> Result<Layout, String> {
    Layout::from_word(word).ok_or_else(|| one_of(&["dual", "split"]))
}

/// The names are those of the audit chain.
fn reason(word: &str) -> Result<RevocationReason, String> {
    serde_json::from_value(word.into()).map_err(|_| {
        one_of(&["unspecified", "key-compromise", "affiliation-changed", "superseded", "privilege-withdrawn"])
    })
}

fn one_of(words: &[&str]) -> String {
    format!("one of {}", words.join(", "))
}
