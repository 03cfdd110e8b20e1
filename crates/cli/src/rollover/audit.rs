//! `sealpost rollover audit`

use std::io::{self, BufRead, BufReader, Seek, Write};

use sealpost::rollover::{
    audit::{Hash, Head, Record},
    port::KeyStore,
};
use serde_json::json;
use tempfile::SpooledTempFile;

use super::{args, site::Site};
use crate::{
    failure::{At, Failure, Result},
    files::{Access, Place, write_to},
    output::Output,
    table::grouped,
};

/// How many records are read at once.
const PAGE: u32 = 1_000;
/// Up to so many octets of them stay in memory.
const SPOOLED: usize = 4 << 20;

/// A chain that is verified, and what must be in it.
struct Chain {
    head: Head,
    expected: Option<(u64, String)>,
}

impl Chain {
    fn new(expect: Option<&str>) -> Result<Self> {
        let read = |text: &str| {
            let (number, hash) = text.split_once(':')?;
            Hash::try_from(hash.to_owned()).ok()?;
            Some((number.parse().ok()?, hash.to_owned()))
        };
        let wrong = || Failure::new("--expect: it must be a number, a colon and 64 hexadecimal digits");
        let expected = expect.map(|text| read(text).ok_or_else(wrong)).transpose()?;
        Ok(Self { head: Head::START, expected })
    }

    fn take(&mut self, record: &Record, place: &str) -> Result {
        self.head.verify(record).map_err(|error| Failure::broken(format!("{place}: {error}")))?;
        if let Some((number, hash)) = &self.expected
            && *number == record.sequence
            && *hash != String::from(record.hash)
        {
            return Err(Failure::broken(format!("{place}: audit record {number}: it is another one than expected")));
        }
        Ok(())
    }

    /// Nothing comes any more.
    fn end(self, place: &str, output: Output) -> Result {
        let Head { sequence, hash, .. } = self.head;
        if let Some((number, _)) = self.expected
            && number > sequence
        {
            let what = format!("{place}: it ends at audit record {sequence}: {number}, which was expected, is missing");
            return Err(Failure::broken(what));
        }
        let hash = String::from(hash);
        output.result(
            &json!({ "verified": sequence, "head": { "number": sequence, "hash": hash } }),
            &format!(
                "{place}: all {} records are as they were written. The last one:\n{sequence}:{hash}",
                grouped(sequence)
            ),
        );
        Ok(())
    }
}

pub(super) async fn run(command: args::Audit, output: Output) -> Result {
    match command {
        args::Audit::Verify(args) => verify(args, output).await,
        args::Audit::Export(args) => export(args, output).await,
    }
}

async fn verify(args: args::Verify, output: Output) -> Result {
    let mut chain = Chain::new(args.expect.as_deref())?;
    if let Some(file) = args.file {
        let from = Place::from(Some(file));
        let name = from.input_name().display().to_string();
        for (line, text) in (1_u64..).zip(BufReader::new(from.reader()?).lines()) {
            let place = format!("{name}, line {line}");
            let text = text.at(&place)?;
            let record = serde_json::from_str(&text)
                .map_err(|error| Failure::broken(format!("{place}: no audit record: {error}")))?;
            chain.take(&record, &place)?;
        }
        return chain.end(&name, output);
    }
    let site = Site::open(&args.at).await?;
    let at = site.name.text();
    loop {
        let records = site.store.audit(chain.head.sequence, PAGE).await.at(&at)?;
        if records.is_empty() {
            return chain.end(&at, output);
        }
        records.iter().try_for_each(|record| chain.take(record, &at))?;
    }
}

async fn export(args: args::Export, output: Output) -> Result {
    let site = Site::open(&args.at).await?;
    let at = site.name.text();
    let to = Place::from(args.out);
    // All are read before the first one is written: an output is whole, or it is not there.
    let mut lines = SpooledTempFile::new(SPOOLED);
    let mut records = 0;
    loop {
        let page = site.store.audit(records, PAGE).await.at(&at)?;
        let Some(last) = page.last() else { break };
        records = last.sequence;
        for record in &page {
            let line = serde_json::to_string(record).at(&at)?;
            writeln!(lines, "{line}").at("a temporary file")?;
        }
    }
    lines.rewind().at("a temporary file")?;
    write_to(&to, Access::Private, |writer| io::copy(&mut lines, writer).at(to.output_name()))?;
    output.beside_data(&json!({ "records": records }), &format!("{} records.", grouped(records)));
    Ok(())
}
