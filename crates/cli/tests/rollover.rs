//! `sealpost rollover`: the whole life of keys, through the tool alone.

#![cfg(test)]

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use serde_json::{Value, json};

#[path = "support/rollover.rs"]
mod support;

use support::Site;

/// With three mailboxes that have their first keys.
fn site() -> Site {
    let site = Site::new();
    site.ok("init --ca-rate 1000000");
    site.ok("enroll a@example.org b@example.org c@example.org");
    site.ok("tick --until-quiet");
    site
}

/// The generations of a subject: number, cause and stage.
fn generations(subject: &Value) -> Vec<(u64, &str, &str)> {
    let each = |one| (uint(one, "number"), text(one, "cause"), text(one, "stage"));
    subject["generations"].as_array().unwrap().iter().map(each).collect()
}

fn uint(of: &Value, name: &str) -> u64 {
    of[name].as_u64().unwrap()
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap()
}

#[test]
fn a_store_and_all_beside_it_is_made_on_first_use() {
    let site = Site::new();
    let enrolled = site.json("enroll a@example.org");
    assert_eq!((uint(&enrolled, "enrolled"), uint(&enrolled, "enrolled_before")), (1, 0));
    for name in ["sealpost.db", "sealpost.db.kek"] {
        assert_eq!(fs::metadata(site.path(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    site.write("more", "# new ones\n\n  b@example.org\nc@example.org\r\n");
    let enrolled = site.json("enroll a@example.org --from more");
    assert_eq!((uint(&enrolled, "enrolled"), uint(&enrolled, "enrolled_before")), (2, 1));
    site.ok("tick --until-quiet");
    assert_eq!(uint(&site.json("status")["totals"], "signing"), 3);
}

#[test]
fn first_keys_are_made_and_told() {
    let site = Site::new();
    site.ok("enroll a@example.org b@example.org c@example.org");
    let tick = site.json("tick --until-quiet --node n1");
    for (name, count) in [("generated", 3), ("issued", 3), ("ready", 3), ("refused", 0)] {
        assert_eq!(uint(&tick, name), count, "{name}");
    }
    assert!(tick["failures"].as_object().unwrap().is_empty());
    let status = site.json("status");
    assert_eq!(uint(&status["totals"], "subjects"), 3);
    assert_eq!(uint(&status["totals"], "signing"), 3);
    assert_eq!(uint(&status["totals"]["stages"], "ready"), 3);
    for subject in status["subjects"].as_array().unwrap() {
        assert_eq!(generations(subject), [(1, "enrolled", "ready")]);
        assert_eq!(uint(&subject["uses"], "dual"), 1);
        assert!(text(subject, "until").ends_with('Z') && text(&subject["next"], "at").ends_with('Z'));
    }
    let table = site.ok("status --limit 2");
    assert!(table.contains("key 1") && table.contains("and 1 more") && table.contains("newest key: ready"), "{table}");
}

#[test]
fn choices_are_kept_and_told() {
    let site = Site::new();
    fs::create_dir(site.path("second")).unwrap();
    let chosen = site
        .json("init --policy secumail-7d --key-type p256 --profile multipurpose --ca authority --second-place second");
    assert_eq!(text(&chosen["policy"], "name"), "secumail-7d");
    assert_eq!(chosen["changed"].as_array().unwrap().len(), 5);
    assert!(site.path("authority").is_dir());
    // Nothing is chosen anew.
    assert_eq!(site.json("init")["changed"].as_array().unwrap().len(), 0);
    assert_eq!(text(&site.json("init --policy yearly")["policy"], "name"), "yearly");
    site.says(1, &["authority", "multipurpose, not strict"], "init --profile strict");
    site.ok("init --policy default --first-key at-enrolment");
    site.ok("enroll a@example.org");
    site.ok("tick --until-quiet");
    let status = site.status("a@example.org");
    assert!(!status["generations"][0]["backed_up"].is_null());
    assert_eq!(fs::read_dir(site.path("second")).unwrap().count(), 1);
}

#[test]
fn first_keys_wait_for_a_click_where_that_is_chosen() {
    let site = Site::new();
    site.ok("init --policy secumail-7d");
    site.ok("enroll a@example.org");
    assert_eq!(uint(&site.json("tick --until-quiet"), "generated"), 0);
    assert!(site.ok("status").contains("waits for the first mail"));
    site.ok("issue a@example.org");
    site.ok("tick --until-quiet");
    assert_eq!(generations(&site.status("a@example.org")), [(1, "click", "ready")]);
    // Another click while a key is there makes the next one.
    site.ok("issue a@example.org");
    site.ok("tick --until-quiet");
    assert_eq!(uint(&site.status("a@example.org")["uses"], "dual"), 2);
    let explained = site.ok("explain a@example.org");
    assert!(explained.contains("Generation 2 signs"), "{explained}");
    assert!(explained.contains("a@example.org"), "{explained}");
}

#[test]
fn all_kinds_of_subjects_have_keys() {
    let site = Site::new();
    site.ok("enroll --layout split a@example.org");
    site.ok("enroll --kind shared-mailbox info@example.org");
    site.ok("enroll --kind domain example.org");
    site.ok("tick --until-quiet");
    let split = site.status("a@example.org");
    assert_eq!((uint(&split["uses"], "sign"), uint(&split["uses"], "encrypt")), (1, 1));
    assert_eq!(text(&site.status("info@example.org"), "kind"), "shared-mailbox");
    assert_eq!(generations(&site.status("example.org")), [(1, "enrolled", "ready")]);
}

#[test]
fn keys_roll_when_they_are_due_and_a_clock_that_jumped_is_confirmed() {
    let site = site();
    // The last second of the first one.
    let late = format!("--clock {}", text(&site.status("a@example.org"), "until"));
    site.says(1, &["the clock says", "confirm"], &format!("tick {late}"));
    assert_eq!(generations(&site.status("a@example.org")).len(), 1);
    let tick = site.json(&format!("tick --accept-clock --until-quiet {late}"));
    assert_eq!(uint(&tick, "ready"), 3);
    let subject = site.json(&format!("status a@example.org {late}"))["subjects"][0].clone();
    assert_eq!(generations(&subject), [(1, "enrolled", "ready"), (2, "due", "ready")]);
    let explained = site.json(&format!("explain a@example.org {late}"));
    assert_eq!(explained["slots"][0]["decrypts"], serde_json::json!([1, 2]));
}

#[test]
fn who_leaves_gets_no_new_key() {
    let site = site();
    site.ok("leave b@example.org");
    assert_eq!(uint(&site.json("status")["totals"]["stages"], "left"), 1);
    let later = "--clock 2100-01-01 --accept-clock";
    site.ok(&format!("tick --until-quiet {later}"));
    assert_eq!(generations(&site.status("b@example.org")).len(), 1);
    assert_eq!(generations(&site.status("a@example.org")).len(), 2);
}

#[test]
fn a_set_is_replaced_before_a_deadline_or_refused_with_the_arithmetic() {
    let site = site();
    let set = "replace --not-before 2020-01-01.. --reason a_test";
    let rehearsed = site.json(&format!("{set} --before 2090-01-01 --rehearse"));
    assert_eq!((uint(&rehearsed, "selected"), rehearsed["feasible"].as_bool()), (3, Some(true)));
    assert!(site.ok("replace --list").contains("none"));
    site.says(21, &["cannot be done", "of 3 certificates"], &format!("{set} --before 2026-01-01"));
    site.says(1, &["nothing is selected"], "replace --not-before 2090-01-01.. --reason x --before 2091-01-01");
    site.says(1, &["nothing is selected"], "replace --product 1.2.3 --reason x --before 2091-01-01");
    assert!(site.ok("replace --list").contains("none"));
    let started = site.json(&format!("{set} --before 2090-01-01"));
    assert_eq!(uint(&started["replacement"], "selected"), 3);
    site.ok("replace --pause 1");
    assert_eq!(uint(&site.json("tick --until-quiet"), "replacing"), 0);
    assert!(site.ok("status").contains("rests"));
    site.ok("replace --resume 1");
    assert_eq!(uint(&site.json("tick --until-quiet"), "replacing"), 3);
    for address in ["a@example.org", "b@example.org", "c@example.org"] {
        let subject = site.status(address);
        assert_eq!(generations(&subject)[1], (2, "replacement", "ready"));
        assert_eq!(uint(&subject["uses"], "dual"), 2);
    }
    assert_eq!(site.json("replace --list")["replacements"][0]["reason"], "a test");
    site.says(1, &["replacement 7"], "replace --pause 7");
    // What can't be done in time is done as far as it can, if somebody wants that.
    site.ok(&format!("{set} --before 2026-01-01 --anyway"));
}

/// Issuer and serial number of each certificate that came, from the audit chain, as hexadecimal digits.
fn certificates(site: &Site) -> Vec<(String, String)> {
    site.ok("audit export records");
    let records = fs::read_to_string(site.path("records")).unwrap();
    let names = records.lines().filter_map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        let told: Value = serde_json::from_str(text(&record, "text")).unwrap();
        let with = &told["with"]["certificate"];
        Some((with["issuer"].as_str()?.to_owned(), with["serial"].as_str()?.to_owned()))
    });
    names.collect()
}

fn octets(digits: &str) -> Vec<u8> {
    digits.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn a_revoked_certificate_signs_no_more_and_has_a_successor() {
    let site = site();
    let names = certificates(&site);
    assert_eq!(names.len(), 3);
    site.write("issuer", octets(&names[0].0));
    let serial = &names[0].1;
    let revoked = site.json(&format!("revoked --issuer issuer --serial {serial} --reason key-compromise"));
    let address = text(&revoked["revoked"][0], "address").to_owned();
    let subject = site.status(&address);
    assert_eq!(generations(&subject), [(1, "enrolled", "revoked")]);
    assert_eq!(text(&subject["generations"][0], "revocation"), "key-compromise");
    assert!(subject["uses"].as_object().unwrap().is_empty());
    assert!(site.ok("status").contains("last-call"));
    site.ok("tick --until-quiet");
    assert_eq!(generations(&site.status(&address))[1], (2, "revoked", "ready"));
    site.says(1, &["no key in use"], "revoked --issuer issuer --serial 01");
    site.says(1, &["--serial", "hexadecimal"], "revoked --issuer issuer --serial xyz");
    site.says(2, &["--cert"], "revoked --reason superseded");
    // Only those with a serial number of the list.
    site.write("serials", format!("# of one\n{}\n", names[1].1));
    let found = site.json("replace --serials serials --issuer issuer --before 2090-01-01 --reason x --rehearse");
    assert_eq!(uint(&found, "selected"), 1);
}

#[test]
fn the_audit_chain_is_verified_in_the_store_and_offline() {
    let site = site();
    let verified = site.json("audit verify");
    let (number, hash) = (uint(&verified, "verified"), text(&verified["head"], "hash").to_owned());
    assert!(number > 10);
    site.ok("audit export records");
    let offline = Site::new();
    offline.write("records", fs::read(site.path("records")).unwrap());
    assert_eq!(offline.json("audit verify --file records"), verified);
    assert!(!offline.path("sealpost.db").exists());
    // The end that somebody noted is still in it when more has happened.
    site.ok("leave a@example.org");
    site.ok(&format!("audit verify --expect {number}:{hash}"));
    site.says(22, &["another one than expected"], &format!("audit verify --expect {number}:{}", "0".repeat(64)));
    site.says(22, &["is missing"], &format!("audit verify --expect {}:{hash}", number + 9));
    site.says(1, &["--expect"], "audit verify --expect x");
}

#[test]
fn a_policy_that_the_authority_can_not_meet_is_refused_with_the_arithmetic() {
    let site = Site::new();
    site.says(21, &["policy default", "20,000,000 keys", "11,801 requests an hour"], "init --users 20000000");
    site.says(21, &["policy secumail-7d", "7 d before the end"], "init --policy secumail-7d --ca-outage 10");
    // Neither was kept.
    let chosen = site.json("init");
    assert_eq!(text(&chosen["policy"], "name"), "default");
    assert_eq!(chosen["changed"].as_array().unwrap().len(), 4);
}

#[test]
fn a_simulation_gives_its_figures() {
    let site = Site::new();
    let report = site.json("simulate --users 300 --years 3 --policy secumail-7d --ca-outage 5");
    assert_eq!((uint(&report, "users"), text(&report, "policy")), (300, "secumail-7d"));
    assert!(uint(&report, "renewals") >= 600 && uint(&report, "events") > uint(&report, "renewals"));
    for name in ["gap_users", "gap_seconds", "longest_gap_seconds", "peak_per_hour", "requests"] {
        assert!(report[name].is_u64(), "{name}");
    }
    assert!(report["mean_per_hour"].is_f64() && report["wall_seconds"].is_f64());
    let text = site.ok("simulate --users 300 --years 3");
    assert!(text.contains("users with a gap") && text.contains("wall seconds"), "{text}");
    site.says(2, &["--users"], "simulate --users 0");
    site.says(1, &["--svg", "--users 1"], "simulate --users 2 --svg x.svg");
    assert!(!site.path("x.svg").exists());
    site.says(2, &["--policy"], "simulate --policy none");
}

#[test]
fn the_life_of_one_user_is_shown_as_text_and_as_a_picture() {
    let site = Site::new();
    let report = site.json("simulate --users 1 --years 3 --svg life.svg");
    let keys = report["timeline"]["keys"].as_array().unwrap();
    assert!((3..=4).contains(&keys.len()), "{keys:?}");
    let svg = fs::read_to_string(site.path("life.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert_eq!(open_elements(&svg), Vec::<String>::new());
    let text = site.ok("simulate --users 1 --years 3");
    assert!(text.contains("█") && text.contains("2027") && text.contains("gap seconds"), "{text}");
    site.says(1, &["/dev/full", "No space left"], "simulate --users 1 --years 1 --svg /dev/full");
}

/// The elements of an XML document that are not closed where they must be.
fn open_elements(xml: &str) -> Vec<String> {
    let mut open = Vec::new();
    for tag in xml.split('<').skip(1) {
        let (tag, after) = tag.split_once('>').unwrap();
        assert!(!after.contains('&') || after.contains(';'), "{after}");
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap().to_owned();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') && !tag.starts_with(['?', '!']) {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            open.push(name);
        }
    }
    open
}

#[test]
fn keys_are_wrapped_again_under_a_new_version_and_go_on_signing() {
    let site = site();
    let rekeyed = site.json("rekey");
    assert_eq!((uint(&rekeyed, "version"), uint(&rekeyed, "wrapped")), (2, 3));
    assert_eq!(uint(&site.json("rekey"), "version"), 3);
    // The second key of the same mailbox is another one; the first one is still there.
    site.ok("issue a@example.org");
    site.ok("tick --until-quiet");
    assert_eq!(generations(&site.status("a@example.org")).len(), 2);
    site.write("pass", "correct horse\n");
    site.ok("export-p12 a@example.org --number 1 --out a.p12 --password-file pass");
    assert_eq!(fs::metadata(site.path("a.p12")).unwrap().permissions().mode() & 0o777, 0o600);
    site.write("mail", "From: a@example.org\r\nTo: b@example.org\r\nSubject: s\r\n\r\nhello\r\n");
    let smime = |command: &str| {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_sealpost"));
        let output = tool.arg("smime").args(command.split(' ')).current_dir(site.path("")).output().unwrap();
        assert!(output.status.success(), "{command}: {}", support::said(&output));
    };
    smime("sign --key a.p12 --password-file pass mail signed");
    smime("verify --trust sealpost.db.ca/root.cer -- signed");
}

/// What the tool wrote, and what an old program wrote by RC2 and 3DES.
#[test]
fn keys_from_elsewhere_are_taken_in_and_roll_on() {
    let site = site();
    site.write("pass", "correct horse\n");
    site.ok("export-p12 a@example.org --out a.p12 --password-file pass");
    site.says(
        1,
        &["a.p12", "for a@example.org, not for b@example.org"],
        "import-p12 b@example.org a.p12 --password-file pass",
    );
    site.says(1, &["a.p12"], "import-p12 a@example.org a.p12");
    assert_eq!(site.json("import-p12 a@example.org a.p12 --password-file pass")["numbers"], json!([1]), "it has it");
    let elsewhere = site.json("import-p12 b@example.org a.p12 --password-file pass --other-addresses");
    assert_eq!(elsewhere["numbers"], json!([2]));
    site.ok("tick --until-quiet");
    assert_eq!(generations(&site.status("b@example.org")).len(), 2, "an archive orders nothing");
    site.ok("audit verify");
}

#[test]
fn a_key_that_is_not_there_is_not_exported() {
    let site = site();
    site.write("pass", "correct horse\n");
    for which in ["--number 9", "--slot encrypt", "--slot encrypt --number 1"] {
        let command = format!("export-p12 a@example.org {which} --out x.p12 --password-file pass");
        site.says(1, &["a@example.org", "no such key"], &command);
    }
    site.says(1, &["missing"], "export-p12 a@example.org --out x.p12 --password-file missing");
    site.write("pass", "");
    site.says(1, &["a@example.org"], "export-p12 a@example.org --out x.p12 --password-file pass");
    assert!(!site.path("x.p12").exists());
}

#[test]
fn a_copy_and_a_backup_are_stores_like_the_first_one() {
    let site = site();
    site.ok("backup backup.db");
    let copied = site.json("copy --to sqlite:copy.db");
    assert_eq!((uint(&copied["rows"], "subject"), uint(&copied["rows"], "generation")), (3, 3));
    let verified = site.json("audit verify");
    for store in ["backup.db", "copy.db"] {
        let at = format!("--store sqlite:{store} --key-source file:sealpost.db.kek");
        assert_eq!(site.json(&format!("audit verify {at}")), verified, "{store}");
        site.ok(&format!("issue a@example.org {at}"));
        site.ok(&format!("tick --until-quiet {at}"));
        let status = site.json(&format!("status a@example.org {at}"));
        assert_eq!(generations(&status["subjects"][0]).len(), 2, "{store}");
    }
    site.says(1, &["copy.db", "not empty"], "copy --to sqlite:copy.db");
    site.says(1, &["sealpost.db", "the store itself"], "backup sealpost.db");
    assert_eq!(generations(&site.status("a@example.org")).len(), 1);
}
