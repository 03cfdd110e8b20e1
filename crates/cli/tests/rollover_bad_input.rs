//! `sealpost rollover` with bad input of every kind: an error with what and where, nothing half written, and the next
//! start goes on where it was.

#![cfg(test)]

use std::{fs, path::Path, process::Command};

use rusqlite::Connection;
use serde_json::Value;

#[path = "support/rollover.rs"]
mod support;

use support::{Site, said};

/// With a mailbox that has its first key.
fn site() -> Site {
    let site = Site::new();
    site.ok("enroll a@example.org");
    site.ok("tick --until-quiet");
    site
}

impl Site {
    /// Changes the database behind the tool's back.
    fn sql(&self, sql: &str) {
        let changed = Connection::open(self.path("sealpost.db")).unwrap().execute(sql, []).unwrap();
        assert_eq!(changed, 1, "{sql}");
    }

    /// What there was before still works.
    fn goes_on(&self) {
        self.ok("issue a@example.org");
        self.ok("tick --until-quiet");
        self.ok("audit verify");
        assert_eq!(self.json("status")["totals"]["signing"], 1);
    }
}

const VERBS: [&str; 4] = ["status", "tick", "enroll b@example.org", "audit verify"];

#[test]
fn a_store_of_another_version_is_refused_by_each_verb() {
    let site = site();
    site.sql("UPDATE store SET version = 99");
    for verb in VERBS {
        site.says(1, &["sealpost.db", "version 99", "needs version"], verb);
    }
    site.sql("UPDATE store SET version = 1");
    site.goes_on();
}

#[test]
fn a_key_encryption_key_that_does_not_fit_is_refused_and_never_made_anew() {
    let site = site();
    let kek = fs::read(site.path("sealpost.db.kek")).unwrap();
    let other = Site::new();
    other.ok("init");
    fs::copy(other.path("sealpost.db.kek"), site.path("sealpost.db.kek")).unwrap();
    for verb in VERBS {
        site.says(1, &["sealpost.db", "another key-encryption key"], verb);
    }
    fs::remove_file(site.path("sealpost.db.kek")).unwrap();
    for verb in VERBS {
        site.says(1, &["sealpost.db.kek", "can't be opened"], verb);
    }
    assert!(!site.path("sealpost.db.kek").exists());
    // Others could read it.
    site.write("sealpost.db.kek", &kek);
    site.says(1, &["sealpost.db.kek", "0600"], "status");
    Command::new("chmod").arg("600").arg(site.path("sealpost.db.kek")).status().unwrap();
    site.goes_on();
    for source in ["file:", "https://example.org/kek", "nothing"] {
        site.says(1, &["--key-source"], &format!("status --key-source {source}"));
    }
    site.says(1, &["CREDENTIALS_DIRECTORY"], "status --key-source credential:kek");
}

#[test]
fn a_damaged_row_is_named_and_the_others_go_on() {
    let site = site();
    site.ok("enroll b@example.org");
    site.sql("UPDATE subject SET state = '{' WHERE address = 'a@example.org'");
    site.says(1, &["sealpost.db", "damaged", "state"], "status");
    site.says(1, &["damaged"], "explain a@example.org");
    assert_eq!(site.status("b@example.org")["address"], "b@example.org");
}

#[test]
fn what_is_no_database_is_left_as_it_is() {
    for content in ["hello\n".repeat(3_000), "SQLite format 3\0".repeat(300)] {
        let site = Site::new();
        site.ok("init");
        site.write("sealpost.db", &content);
        for name in ["sealpost.db-wal", "sealpost.db-shm"] {
            let _ = fs::remove_file(site.path(name));
        }
        for verb in VERBS {
            site.says(1, &["sealpost.db"], verb);
        }
        assert_eq!(fs::read_to_string(site.path("sealpost.db")).unwrap(), content);
    }
}

#[test]
fn a_place_that_can_not_be_written_is_named() {
    let site = Site::new();
    site.write("file", "");
    for store in ["/proc/sealpost.db", "file/sealpost.db", "missing/sealpost.db"] {
        site.says(1, &[store], &format!("enroll a@example.org --store sqlite:{store}"));
    }
    site.ok("init --store sqlite:other.db");
    for store in ["sealpost.db", "mysql://host/x", "sqlite:", ""] {
        site.says(1, &["sqlite:FILE"], &format!("status --key-source file:other.db.kek --store {store}"));
    }
    site.says(1, &["file"], "init --ca file");
    site.says(1, &["missing"], "init --second-place missing");
    site.says(1, &["--key-source"], "status --store postgres://user:secret@localhost/x");
    let output = site.run("status --store postgres://user:secret@localhost:1/x --key-source file:other.db.kek");
    assert!(!said(&output).contains("secret"), "{}", said(&output));
    site.ok("enroll a@example.org");
    site.goes_on();
}

#[test]
fn a_disk_that_fills_up_loses_nothing() {
    let site = site();
    let addresses: Vec<String> = (0..2_000).map(|number| format!("{number}@example.org")).collect();
    site.write("list", addresses.join("\n"));
    let tool = env!("CARGO_BIN_EXE_sealpost");
    // No file may grow beyond 256 KiB.
    let script = format!("trap '' XFSZ; ulimit -f 512; exec {tool} rollover enroll --from list");
    let output = Command::new("sh").args(["-c", &script]).current_dir(site.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("sealpost.db"), "{}", said(&output));
    site.ok("audit verify");
    let enrolled = site.json("status")["totals"]["subjects"].as_u64().unwrap();
    assert!(enrolled < 2_000);
    // It goes on where it was.
    let rest = site.json("enroll --from list");
    assert_eq!(rest["enrolled_before"].as_u64().unwrap() + 1, enrolled);
    assert_eq!(rest["enrolled"].as_u64().unwrap(), 2_001 - enrolled);
}

#[test]
fn addresses_that_are_none_are_named_before_anything_is_made() {
    let site = Site::new();
    let long = "x".repeat(260);
    for address in ["example.org", "@", "a@", "a@b@c", &format!("{long}@example.org"), "a\tb@example.org"] {
        site.says(1, &["address"], &format!("enroll {address}"));
        assert!(!site.path("sealpost.db").exists() && !site.path("sealpost.db.kek").exists());
    }
    site.says(1, &["address"], "enroll --kind domain a@example.org");
    site.says(2, &["ADDRESS"], "enroll");
    site.says(2, &["mailbox", "domain"], "enroll --kind person a@example.org");
    site.write("list", "a@example.org\n\nb@example.org\nc\n");
    site.says(1, &["list, line 4"], "enroll --from list");
    site.says(1, &["missing", "No such file"], "enroll --from missing");
    assert!(!site.path("sealpost.db").exists());
}

#[test]
fn what_fails_for_one_subject_stops_no_other_one_and_has_an_exit_code() {
    let site = Site::new();
    site.ok("enroll a@-bad-.example b@example.org");
    let output = site.run("tick --until-quiet --json");
    assert_eq!(output.status.code(), Some(20), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ready"], 1);
    assert!(report["failures"]["a@-bad-.example"][0].as_str().unwrap().contains("domain"), "{report}");
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["exit_code"], 20);
    // It is not tried again at once.
    site.ok("tick");
}

#[test]
fn an_authority_that_lost_its_key_is_named_and_nothing_is_made_anew() {
    let site = site();
    let key = fs::read(site.path("sealpost.db.ca/issuing.key")).unwrap();
    fs::remove_file(site.path("sealpost.db.ca/issuing.key")).unwrap();
    site.says(1, &["issuing.key", "missing"], "tick");
    site.write("sealpost.db.ca/issuing.key", key);
    site.goes_on();
}

#[test]
fn who_is_not_enrolled_is_named_and_nothing_is_done_for_the_others() {
    let site = site();
    for verb in ["status", "issue", "leave", "explain"] {
        site.says(1, &["b@example.org: not enrolled"], &format!("{verb} b@example.org"));
    }
    site.says(1, &["b@example.org"], "leave a@example.org b@example.org");
    assert!(site.status("a@example.org")["left"].is_null());
}

#[test]
fn times_that_are_none_are_named() {
    let site = Site::new();
    for command in [
        "explain a@example.org --at tomorrow",
        "replace --reason x --before 2026-02-30",
        "replace --reason x --before 2027-01-01 --not-before 2026",
        "replace --reason x --before 2027-01-01 --not-before 2026-02-01..2026-01-01",
        "revoked --cert x --since yesterday",
    ] {
        site.says(2, &["invalid value"], command);
    }
    site.says(2, &["--reason"], "replace --before 2027-01-01");
    assert!(!site.path("sealpost.db").exists());
}

#[test]
fn files_that_hold_no_certificate_or_number_are_named() {
    let site = site();
    site.write("garbage", "garbage");
    site.write("empty", "");
    for file in ["garbage", "empty", "missing"] {
        site.says(1, &[file], &format!("revoked --cert {file}"));
        site.says(1, &[file], &format!("revoked --issuer {file} --serial 01"));
        site.says(1, &[file], &format!("replace --serials {file} --reason x --before 2090-01-01"));
        site.says(1, &[file], &format!("replace --issuer {file} --reason x --before 2090-01-01"));
    }
    assert_eq!(site.json("replace --list")["replacements"].as_array().unwrap().len(), 0);
}

#[test]
fn an_audit_record_that_was_changed_or_left_out_is_found() {
    let site = site();
    site.ok("audit export whole");
    let whole = fs::read_to_string(site.path("whole")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let changed = lines[3].replacen("\"actor\":\"", "\"actor\":\"x", 1);
    for (what, kept) in [
        ("changed", [&lines[..3], &[changed.as_str()], &lines[4..]].concat()),
        ("left-out", [&lines[..3], &lines[4..]].concat()),
        ("twice", [&lines[..4], &lines[3..]].concat()),
        ("broken", [&lines[..3], &["{"], &lines[4..]].concat()),
    ] {
        site.write(what, kept.join("\n"));
        let line = if what == "twice" { "line 5" } else { "line 4" };
        site.says(22, &[what, line], &format!("audit verify --file {what}"));
    }
    site.sql("UPDATE audit SET actor = 'nobody' WHERE sequence = 4");
    site.says(22, &["sealpost.db", "audit record 4", "changed"], "audit verify");
    site.sql("DELETE FROM audit WHERE sequence = 4");
    site.says(22, &["sealpost.db", "audit record 4"], "audit verify");
    assert!(Path::new(&site.path("sealpost.db")).exists());
}
