//! The steps of each chore, in the order in which they find mistakes fastest.

use std::fs;

use crate::peers;
use crate::shell::{Result, cargo, root, step};

/// All that must pass before a change goes in.
pub(crate) fn test() -> Result {
    peers::for_tests()?;
    step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    step("clippy", &mut cargo(&clippy))?;
    let core = ["build", "-p", "sealpost-pre", "--no-default-features", "--locked"];
    step("core without std", &mut cargo(&core))?;
    step("tests", &mut cargo(&["test", "--workspace", "--locked"]))?;
    // In the workspace other crates add features to it.
    step("core without further features", &mut cargo(&["test", "-p", "sealpost-pre", "--locked"]))?;
    // Both ways of doing the same must give the same.
    step("S/MIME without features", &mut cargo(&["test", "-p", "sealpost-smime", "--lib", "--locked"]))?;
    let all = ["test", "-p", "sealpost-smime", "--all-features", "--locked"];
    step("S/MIME with all features", &mut cargo(&all))?;
    // The workspace builds it with neither: keys in tokens, and PostgreSQL alone.
    step("store with all features", &mut cargo(&["test", "-p", "sealpost-store", "--all-features", "--locked"]))?;
    let postgres = ["check", "-p", "sealpost-store", "--no-default-features", "--features", "postgres", "--locked"];
    step("store without SQLite", &mut cargo(&postgres))?;
    // Without optimization it has no vectors, as on other processors.
    let plain = ["test", "-p", "sealpost-pre", "--locked", "--config", "profile.dev.package.sealpost-pre.opt-level=0"];
    let quick = ["--lib", "--test", "factors", "--test", "draft_vectors", "--test", "senders"];
    step("core without vectors", cargo(&plain).args(quick))?;
    docs()?;
    if root().join("fuzz").is_dir() {
        let check = ["check", "--locked", "--manifest-path", "fuzz/Cargo.toml"];
        step("fuzz targets compile", &mut cargo(&check))?;
    }
    Ok(())
}

/// The documentation, without a broken link.
pub(crate) fn docs() -> Result {
    let doc = &mut cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    step("documentation", doc.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The benches, or one of them.
pub(crate) fn bench(name: Option<&str>) -> Result {
    peers::for_benches()?;
    let mut bench = cargo(&["bench", "-p", "sealpost-benches", "--locked"]);
    match name {
        Some(name) => bench.args(["--bench", name]),
        None => bench.arg("--benches"),
    };
    step("measure", &mut bench)
}

/// Writes the counts of instructions anew.
pub(crate) fn baselines() -> Result {
    peers::for_counting()?;
    let count = &mut cargo(&["test", "-p", "sealpost-ct", "--test", "instructions", "--locked"]);
    step("count instructions", count.env("SEALPOST_BASELINES", "write"))
}

/// Each fuzz target for so many seconds.
pub(crate) fn fuzz(seconds: u32) -> Result {
    let targets = fuzz_targets()?;
    peers::for_fuzzing()?;
    let limit = format!("-max_total_time={seconds}");
    for target in targets {
        // What it finds goes into the first folder; it starts from both.
        let (corpus, seeds) = (format!("fuzz/corpus/{target}"), format!("fuzz/seeds/{target}"));
        fs::create_dir_all(root().join(&corpus)).map_err(|error| format!("{corpus}: {error}"))?;
        let run = &mut cargo(&["fuzz", "run", &target, &corpus, &seeds, "--", &limit]);
        // The sanitizer flags are unstable ones; this has a stable compiler take them.
        step(&format!("fuzz {target} for {seconds} s"), run.env("RUSTC_BOOTSTRAP", "1"))?;
    }
    Ok(())
}

/// The names of the targets: those of the files in `fuzz/fuzz_targets`.
fn fuzz_targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut targets: Vec<String> = files
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    if targets.is_empty() {
        return Err(format!("{}: no fuzz targets", folder.display()));
    }
    targets.sort();
    Ok(targets)
}
