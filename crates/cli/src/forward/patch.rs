//! `sealpost forward transform --patch-dir` and `sealpost forward apply`

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use sealpost::pre::{Patch, Planned, Transform};
use serde_json::{Value, json};

use super::{
    report,
    transform::{nothing, why},
};
use crate::{
    args,
    failure::{At, Failure, Result},
    files::{Access, Place, counted, read_small, write_to},
    output::Output,
};

/// Writes a patch for each instance that transforms something.
pub(super) fn write(
    transform: &Transform<'_>,
    from: &Place,
    instances: &[PathBuf],
    folder: &Path,
    output: Output,
) -> Result {
    let paths = paths(instances, folder)?;
    let patches = transform.plan_each_from(from.reader()?).at(from.input_name())?;
    if patches.report.transformed() == 0 {
        return Err(nothing(from, patches.report.pkesks()));
    }
    fs::create_dir_all(folder).at(folder)?;
    let of_instances: Vec<_> = instances.iter().zip(paths).zip(&patches.each).collect();
    let (mut text, mut json) = (report::text(&patches.report, instances), report::json(&patches.report, instances));
    let mut entries = Vec::new();
    for ((instance, path), planned) in counted(of_instances) {
        if planned.transformed() > 0 {
            let to = Place::File(path.clone());
            write_to(&to, Access::Public, |writer| writer.write_all(&planned.patch.to_bytes()).at(&path))?;
        } else {
            text += &format!("No patch for {}: {}\n", instance.display(), reason(planned));
        }
        entries.push(entry(instance, &path, planned));
    }
    let written = patches.each.iter().filter(|planned| planned.transformed() > 0).count();
    text += &format!("{written} patches in {}\n", folder.display());
    if let Some(json) = json.as_object_mut() {
        json.insert("patches".into(), entries.into());
    }
    output.result(&json, &text);
    Ok(())
}

fn entry(instance: &Path, path: &Path, planned: &Planned) -> Value {
    let transformed = planned.transformed();
    json!({
        "instance": instance.display().to_string(),
        "patch": (transformed > 0).then(|| path.display().to_string()),
        "transformed": transformed,
        "reason": (transformed == 0).then(|| reason(planned)),
    })
}

/// Why there is no patch.
fn reason(planned: &Planned) -> String {
    if planned.pkesks.is_empty() { "no session key is for it".to_owned() } else { why(planned.pkesks.iter()) }
}

/// Where the patches go: each name is that of the instance's file, and no two are the same.
fn paths(instances: &[PathBuf], folder: &Path) -> Result<Vec<PathBuf>> {
    let mut taken = HashMap::new();
    let path = |instance: &PathBuf| {
        let path = folder.join(instance.file_stem().unwrap_or(OsStr::new("instance"))).with_added_extension("patch");
        match taken.insert(path.clone(), instance.clone()) {
            None => Ok(path),
            Some(other) => {
                let [path, other, instance] = [&path, &other, instance].map(|path| path.display());
                Err(Failure::new(format!("{path}: the patches for {other} and {instance} would have this name")))
            }
        }
    };
    instances.iter().map(path).collect()
}

pub(super) fn apply(args: args::Apply, output: Output) -> Result {
    let patch = Patch::from_bytes(&read_small(&args.patch)?).at(&args.patch)?;
    let (from, to) = (Place::from(Some(args.input)), Place::from(args.output));
    write_to(&to, Access::Public, |writer| patch.stream(from.reader()?, writer).at(from.input_name()))?;
    output.beside_data(&json!({ "applied": true }), "The patch is applied.");
    Ok(())
}
