//! `sealpost tls` as people and programs use it, with facts out of files: no network.

#![cfg(test)]

use serde_json::{Value, json};

#[path = "tls/serve.rs"]
mod serve;
#[path = "support/tls.rs"]
mod support;

use support::{Site, facts, recorded, tls};

fn site() -> Site {
    let site = Site::new();
    site.write("plain", facts(&json!("not-offered")).to_string());
    site.write("tls", facts(&tls("passed", "not-made")).to_string());
    let mut dane = facts(&tls("untrusted", "passed"));
    dane["destination"]["mx"]["hosts"]["dnssec"] = "secure".into();
    dane["destination"]["mx"]["hosts"]["hosts"][0]["tlsa"] = json!({ "usable": {
        "base": "mx.example.org",
        "records": [{ "usage": 3, "selector": 1, "matching": 1, "data": vec![7; 32] }],
    } });
    site.write("dane", dane.to_string());
    site
}

const TEXT: &str = "TLS is required, but was not offered by host mx.example.org[192.0.2.25]";

#[test]
fn a_verdict_is_explained() {
    let site = site();
    site.says(0, &["a@example.org: deliver in clear: mx.example.org"], "explain --to a@example.org --facts plain");
    let says = ["give it back to its sender: 5.7.10", TEXT, "the user's guarantee", "TLS is not offered", "guarantee"];
    site.says(31, &says, "explain --to a@example.org --facts plain --guarantee");
    let says = ["an den Absender zurückgeben", TEXT, "die Garantie des Nutzers", "TLS wird nicht angeboten"];
    site.says(31, &says, "explain --to a@example.org --facts plain --guarantee --language de-AT");
    site.says(0, &["deliver over TLS"], "explain --to a@example.org --facts tls --guarantee");
    site.says(30, &["vouches", "it would wait"], "explain --to a@example.org --facts tls --strict");
    site.says(0, &["deliver over TLS", "RFC 7672"], "explain --to a@example.org --facts dane --strict");
    site.says(0, &["in clear", "does not hold for automatic answers"], &plain("--guarantee --origin vacation-reply"));
}

fn plain(options: &str) -> String {
    format!("explain --to a@example.org --facts plain {options}")
}

#[test]
fn requiretls_and_tls_required_no_count() {
    let site = site();
    site.says(31, &["5.7.", "REQUIRETLS"], &plain("--requiretls"));
    site.says(0, &["TLS-Required: No"], &plain("--tls-required-no"));
    site.says(31, &[TEXT, "does not set aside"], &plain("--tls-required-no --guarantee"));
}

#[test]
fn programs_get_the_same_and_can_ask_again_with_it() {
    let site = site();
    let explained = site.json(&plain("--guarantee"));
    assert_eq!(explained["verdict"]["bounce"]["status"]["code"], json!([5, 7, 10]));
    assert_eq!(explained["rows"][0]["host"], "mx.example.org");
    site.write("again", explained.to_string());
    let again = site.json("explain --to a@example.org --facts again --guarantee");
    assert_eq!(again, explained);
    // A line of a recorded day has what is needed, too.
    let line = recorded("b@example.net", "a@example.org", &facts(&json!("too-old")));
    site.write("line", format!("{line}\n"));
    site.says(31, &["only versions of TLS before 1.2"], "explain --to a@example.org --facts line --guarantee");
}

#[test]
fn a_domain_is_checked_before_a_forward_is_set_up() {
    let site = site();
    site.says(32, &["not safe", "TLS is not offered", "does not go safely"], "check example.org --facts plain");
    site.says(0, &["TLS 1.3", "only a mail with the guarantee insists"], "check example.org --facts tls");
    site.says(0, &["secured by DNSSEC", "whoever controls the network"], "check example.org --facts dane");
    assert_eq!(site.json("check example.org --facts dane")["safety"], "enforced");
    let mut none = facts(&json!("not-offered"));
    none["destination"]["mx"] = "null".into();
    site.write("null", none.to_string());
    site.says(32, &["takes no mail"], "check example.org --facts null");
    site.write("unreachable", facts(&json!({ "unreachable": { "reason": "no answer" } })).to_string());
    site.says(32, &["no host can be reached"], "check example.org --facts unreachable");
}

const SETTINGS: &str = r#"
version = 1
effective-from = 2026-01-01T00:00:00Z
route = "relay"

[users]
"anna@example.net" = { guarantee = "on" }

[rules]
"floor.example" = { floor = "encrypt" }

[hosts.relay]
name = "relay.example.net"
"#;

#[test]
fn settings_decide_for_whom_they_are_set() {
    let site = site();
    site.write("route.toml", SETTINGS);
    site.write("no-route.toml", SETTINGS.replace("route = \"relay\"\n", ""));
    site.says(0, &["in clear"], &plain("--policy route.toml --from berta@example.net"));
    let says = ["send over the alternate secure route: relay.example.net:25"];
    site.says(0, &says, &plain("--policy route.toml --from anna@example.net"));
    site.says(31, &[TEXT], &plain("--policy no-route.toml --from anna@example.net"));
}

fn day(site: &Site) {
    let plain = facts(&json!("not-offered"));
    let lines: Vec<Value> = vec![
        recorded("anna@example.net", "a@example.org", &plain),
        recorded("anna@example.net", "b@example.org", &plain),
        recorded("berta@example.net", "a@example.org", &plain),
        recorded("berta@example.net", "a@floor.example", &plain),
        recorded("anna@example.net", "a@example.com", &facts(&tls("passed", "not-made"))),
    ];
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    site.write("day", lines.concat());
}

#[test]
fn a_day_is_decided_again_under_other_settings() {
    let site = site();
    day(&site);
    site.write("new.toml", SETTINGS.replace("route = \"relay\"\n", ""));
    let found = site.json("what-if --facts day --policy new.toml");
    let fates = |fate: &str| found["totals"][fate].clone();
    assert_eq!(fates("stopped"), json!({ "before": 0, "after": 2 }));
    assert_eq!(fates("waits"), json!({ "before": 0, "after": 1 }));
    assert_eq!(fates("sent in clear"), json!({ "before": 4, "after": 1 }));
    assert_eq!(fates("sent over TLS"), json!({ "before": 1, "after": 1 }));
    let domains = found["domains"].as_array().unwrap();
    assert_eq!(domains.len(), 2);
    assert_eq!((&domains[0]["domain"], &domains[0]["mails"]), (&json!("example.org"), &json!(2)));
    assert!(domains[0]["reason"].as_str().unwrap().contains("TLS is not offered"));
    site.write("route.toml", SETTINGS);
    let says = ["rerouted       0       3", "floor.example", "the administrator's floor: TLS is not offered"];
    site.says(0, &says, "what-if --facts day --policy route.toml");
    // Compared with the same settings nothing is new.
    let same = site.json("what-if --facts day --policy new.toml --old new.toml");
    assert!(same["domains"].as_array().unwrap().iter().all(|line| line["changed"] == 0));
}

#[test]
fn broken_lines_of_a_day_are_named_and_the_others_counted() {
    let site = site();
    day(&site);
    site.write("new.toml", SETTINGS);
    let long = "x".repeat(2 << 20);
    site.write("broken", format!("{}{{\"at\":\n\n{long}\n{}", site.read("day"), site.read("day")));
    let says = ["broken: line 6: ", "broken: line 8: longer than", "can't be read: 2", "rerouted", "4"];
    site.says(1, &says, "what-if --facts broken --policy new.toml");
}

#[test]
fn nothing_that_a_host_said_makes_a_terminal_do_anything() {
    let site = site();
    let reply = "454 \u{1b}[2Jno\u{9b}2J\nmx.example.org  deliver over TLS";
    let mut hostile = facts(&json!({ "refused": { "reply": reply } }));
    hostile["tlsrpt"] = "\u{1b}]0;x\u{7}".into();
    site.write("hostile", hostile.to_string());
    site.write("unreachable", facts(&json!({ "unreachable": { "reason": "\u{1b}[2J" } })).to_string());
    site.write("variant", facts(&json!("\u{1b}[2J")).to_string());
    site.write("new.toml", SETTINGS);
    let mut line = recorded("a@example.net", "a@example.org", &facts(&json!({ "unreachable": { "reason": "" } })));
    line["recipient"] = "a@\u{1b}[2J.example".into();
    site.write("day", format!("{line}\n"));
    for (code, command) in [
        (30, "explain --to a@example.org --facts hostile --guarantee"),
        (32, "check example.org --facts hostile"),
        (32, "check example.org --facts unreachable"),
        (1, "check example.org --facts variant"),
        (0, "what-if --facts day --policy new.toml"),
    ] {
        let text = site.says(code, &["[2"], command);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{command}: {text:?}");
        assert!(!text.contains("\nmx.example.org  deliver over TLS"), "{command}: {text:?}");
    }
}

#[test]
fn bad_input_is_said_to_be_so() {
    let site = site();
    site.write("none", "{}");
    site.says(1, &["none", "destination"], "explain --to a@example.org --facts none");
    site.says(1, &["missing", "No such file"], "explain --to a@example.org --facts missing");
    site.says(1, &["the facts are about example.org, not example.com"], "explain --to a@example.com --facts plain");
    site.says(2, &["--to"], "explain --to example.org --facts plain");
    site.says(2, &["en or de"], &plain("--language tlh"));
    site.write("bad.toml", "version = 1\nuser = 3\n");
    site.says(1, &["bad.toml", "line 2", "user"], &plain("--policy bad.toml"));
    site.says(1, &["bad.toml", "line 2"], "what-if --facts plain --policy bad.toml");
}

#[test]
fn each_change_of_a_setting_has_a_record() {
    let site = site();
    let set = |by: &str, setting: &str| format!("set --settings s.toml --by {by} {setting}");
    site.says(
        0,
        &["version 1", "anna@example.net", "automatic answers"],
        &set("anna@example.net --role user", "guarantee anna@example.net on"),
    );
    site.says(31, &[TEXT], &plain("--policy s.toml --from anna@example.net"));
    // Nobody changes what is not theirs, and what is so already is no change.
    site.says(1, &["may not"], &set("berta@example.net --role user", "guarantee anna@example.net off"));
    site.says(1, &["is so already"], &set("root", "guarantee anna@example.net on"));
    site.says(0, &["version 2"], &set("root", "host relay relay.example.net --tls13"));
    site.says(0, &["version 3"], &set("root", "route relay"));
    site.says(0, &["alternate secure route"], &plain("--policy s.toml --from anna@example.net"));
    let exception = "exception example.org --until 2099-01-01 --reason their_certificate --owner postmaster";
    site.says(0, &["version 4", "postmaster"], &set("root", exception));
    let lines: Vec<Value> = site.read("s.toml.audit").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!((&lines[0]["actor"], &lines[2]["actor"]), (&json!("anna@example.net"), &json!("root")));
    let event: Value = serde_json::from_str(lines[2]["text"].as_str().unwrap()).unwrap();
    assert_eq!((&event["what"], &event["old"], &event["new"]), (&json!("route"), &json!(null), &json!("relay")));
    // A change that was only recorded is made with the next one.
    let settings = site.read("s.toml");
    site.says(0, &["version 5"], &set("root", "no-route"));
    site.write("s.toml", settings);
    let allow = "allow --permissions p --settings s.toml --sender anna@example.net --to b@example.org";
    site.says(0, &["may send one mail"], allow);
    site.says(0, &["version 6"], &set("root", "no-host relay"));
    // And who changes a record is found out.
    site.write("s.toml.audit", site.read("s.toml.audit").replace("relay.example.net", "mallory.example"));
    site.says(22, &["s.toml.audit, line 2"], &set("root", "guarantee anna@example.net off"));
}

#[test]
fn a_report_is_shown_as_a_table() {
    let site = site();
    let report = json!({
        "organization-name": "Example\u{1b}[2J",
        "date-range": { "start-datetime": "2026-11-26T00:00:00Z", "end-datetime": "2026-11-26T23:59:59Z" },
        "contact-info": "tls@example.net",
        "report-id": "1@example.net",
        "policies": [{
            "policy": { "policy-type": "sts", "policy-domain": "example.org", "mx-host": "*.example.org" },
            "summary": { "total-successful-session-count": 12_345, "total-failure-session-count": 2 },
            "failure-details": [{
                "result-type": "certificate-expired",
                "receiving-mx-hostname": "mx.example.org",
                "failed-session-count": 2,
            }],
        }],
    });
    site.write("report", report.to_string());
    let says = ["Example?[2J", "example.org", "MTA-STS", "12,345", "certificate-expired", "mx.example.org"];
    let text = site.says(0, &says, "report report");
    assert!(!text.contains('\u{1b}'));
    assert_eq!(site.json("report report")["report-id"], "1@example.net");
    site.write("mail", "Subject: no report\r\n\r\nHello.\r\n");
    site.says(1, &["mail", "carries none"], "report mail");
    site.write("broken", "{\"organization-name\": 1}");
    site.says(1, &["broken", "line 1"], "report broken");
}
