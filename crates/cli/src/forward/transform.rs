//! `sealpost forward transform` and `sealpost forward inspect`

use std::{io, path::PathBuf};

use sealpost::pre::{self, Instance, Outcome, PkeskReport, Policy};

use super::{now, patch, report};
use crate::{
    args,
    failure::{At, Failure, Result},
    files::{Access, Place, read_instance, write_to},
    output::Output,
};

pub(super) fn run(args: &args::Transform, output: Output) -> Result {
    let instances = read_instances(&args.instances)?;
    let (from, to) = (Place::from(args.files.input.clone()), Place::from(args.files.output.clone()));
    let transform = pre::Transform::new(&instances, now()?).policy(policy(args));
    if let Some(folder) = &args.patch_dir {
        return patch::write(&transform, &from, &args.instances, folder, output);
    }
    let report = write_to(&to, Access::Public, |writer| {
        let report = transform.stream(from.reader()?, writer).at(from.input_name())?;
        if report.transformed() > 0 { Ok(report) } else { Err(nothing(&from, report.pkesks())) }
    })?;
    output.beside_data(&report::json(&report, &args.instances), &report::text(&report, &args.instances));
    Ok(())
}

pub(super) fn inspect(args: &args::Inspect, output: Output) -> Result {
    let instances = read_instances(&args.instances)?;
    let from = Place::from(args.input.clone());
    let transform = pre::Transform::new(&instances, now()?);
    let report = transform.stream(from.reader()?, io::sink()).at(from.input_name())?;
    output.result(&report::json(&report, &args.instances), &report::text(&report, &args.instances));
    Ok(())
}

fn read_instances(paths: &[PathBuf]) -> Result<Vec<Instance>> {
    paths.iter().map(|path| read_instance(path)).collect()
}

fn policy(args: &args::Transform) -> Policy {
    let disposition = |disposition| match disposition {
        args::Disposition::Keep => pre::Disposition::Keep,
        args::Disposition::Drop => pre::Disposition::Drop,
    };
    let mut policy = Policy::default();
    policy.point = match args.policy {
        args::PointPolicy::Strict => pre::PointPolicy::Strict,
        args::PointPolicy::Draft => pre::PointPolicy::Draft,
    };
    policy.wildcard = match args.wildcard {
        args::Wildcard::Keep => pre::WildcardPolicy::Keep,
        args::Wildcard::Rewrite => pre::WildcardPolicy::Rewrite,
    };
    policy.others = disposition(args.others);
    policy.skesks = disposition(args.skesks);
    policy
}

/// The failure if nothing was transformed.
pub(super) fn nothing<'a>(from: &Place, pkesks: impl Iterator<Item = &'a PkeskReport>) -> Failure {
    Failure::nothing(format!("{}: nothing to transform: {}", from.input_name().display(), why(pkesks)))
}

/// Why nothing was transformed: the refusals, or for whom the message is.
pub(super) fn why<'a>(pkesks: impl Iterator<Item = &'a PkeskReport>) -> String {
    let why = |outcome: &Outcome| match outcome {
        Outcome::Refused(refusal) => format!("refused: {refusal}"),
        _ => "no instance is for it".to_owned(),
    };
    let each: Vec<_> = pkesks.map(|pkesk| format!("{}: {}", report::recipient(pkesk), why(&pkesk.outcome))).collect();
    if each.is_empty() { "it has no public-key encrypted session key".to_owned() } else { each.join("; ") }
}
