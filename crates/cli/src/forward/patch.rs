//! `sealpost forward transform --patch-dir` and `sealpost forward apply`

use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use sealpost::pre::{Patch, Patches, Planned, Transform};
use serde_json::{Value, json};

use super::{
    report,
    transform::{nothing, why},
};
use crate::{
    args,
    failure::{At, Failure, Result},
    files::{Access, Place, Staged, counted, read_small, write_to},
    output::Output,
};

/// Writes a patch for each instance that transforms something, and removes older ones of the others.
pub(super) fn write(
    transform: &Transform<'_>,
    from: &Place,
    instances: &[PathBuf],
    folder: &Path,
    output: Output,
) -> Result {
    let paths = paths(instances, folder)?;
    no_inputs(&paths, from, instances)?;
    let patches = transform.plan_each_from(from.reader()?).at(from.input_name())?;
    let (some, none): (Vec<_>, Vec<_>) =
        paths.iter().zip(&patches.each).partition(|(_, planned)| planned.transformed() > 0);
    let written = some.len();
    if written > 0 {
        fs::create_dir_all(folder).at(folder)?;
        // With the folder there may be paths through it that there were not before.
        no_inputs(&paths, from, instances)?;
    }
    let stage = |(path, planned): (&PathBuf, &Planned)| Staged::new(path, &planned.patch.to_bytes());
    let staged = counted(some).map(stage).collect::<Result<Vec<_>>>()?;
    none.into_iter().try_for_each(|(path, _)| remove(path))?;
    staged.into_iter().try_for_each(Staged::keep)?;
    if written == 0 {
        return Err(nothing(from, patches.report.pkesks()));
    }
    say(&patches, instances, &paths, folder, output);
    Ok(())
}

/// Removes a patch of another message, which would be delivered for this one.
fn remove(path: &Path) -> Result {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at(path),
        _ => Ok(()),
    }
}

fn say(patches: &Patches, instances: &[PathBuf], paths: &[PathBuf], folder: &Path, output: Output) {
    let (mut text, mut json) = (report::text(&patches.report, instances), report::json(&patches.report, instances));
    let mut entries = Vec::new();
    for ((instance, path), planned) in instances.iter().zip(paths).zip(&patches.each) {
        if planned.transformed() == 0 {
            text += &format!("No patch for {}: {}\n", instance.display(), reason(planned));
        }
        entries.push(entry(instance, path, planned));
    }
    let written = patches.each.iter().filter(|planned| planned.transformed() > 0).count();
    let noun = if written == 1 { "patch" } else { "patches" };
    text += &format!("{written} {noun} in {}\n", folder.display());
    if let Some(json) = json.as_object_mut() {
        json.insert("patches".into(), entries.into());
    }
    output.result(&json, &text);
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

/// Where the patches go: each name is that of the instance's file, and no two are the same, also where upper and lower
/// case don't count.
fn paths(instances: &[PathBuf], folder: &Path) -> Result<Vec<PathBuf>> {
    let mut taken = HashMap::new();
    let path = |instance: &PathBuf| {
        let path = folder.join(instance.file_stem().unwrap_or(OsStr::new("instance"))).with_added_extension("patch");
        match taken.insert(path.as_os_str().to_ascii_lowercase(), instance.clone()) {
            None => Ok(path),
            Some(other) if other == *instance => {
                Err(Failure::new(format!("{}: this instance is given twice", instance.display())))
            }
            Some(other) => {
                let [path, other, instance] = [&path, &other, instance].map(|path| path.display());
                Err(Failure::new(format!("{path}: the patches for {other} and {instance} would have this name")))
            }
        }
    };
    instances.iter().map(path).collect()
}

/// Refuses to write a patch over what it is made from.
fn no_inputs(paths: &[PathBuf], from: &Place, instances: &[PathBuf]) -> Result {
    let message = match from {
        Place::File(path) => path,
        Place::Standard => Path::new("/dev/stdin"),
    };
    let real = |path: &Path| fs::canonicalize(path).ok();
    let inputs: HashSet<_> = instances.iter().map(PathBuf::as_path).chain([message]).filter_map(real).collect();
    match paths.iter().find(|path| real(path).is_some_and(|path| inputs.contains(&path))) {
        None => Ok(()),
        Some(path) => Err(Failure::new(format!("{}: a patch would overwrite this input", path.display()))),
    }
}

pub(super) fn apply(args: args::Apply, output: Output) -> Result {
    let patch = Patch::from_bytes(&read_small(&args.patch)?).at(&args.patch)?;
    let (from, to) = (Place::from(args.files.input), Place::from(args.files.output));
    write_to(&to, Access::Public, |writer| patch.stream(from.reader()?, writer).at(from.input_name()))?;
    output.beside_data(&json!({ "applied": true }), "The patch is applied.");
    Ok(())
}
