//! `sealpost rollover` on PostgreSQL: the same verbs, from several nodes, and a server that goes away.

#![cfg(test)]

use sealpost_testkit::postgres::Server;

#[path = "support/rollover.rs"]
mod support;

use support::{Site, said};

#[test]
fn a_store_on_a_server_is_made_by_init_and_used_by_several_nodes() {
    let Some(server) = Server::start() else { return };
    let site = Site::new();
    let store = format!("--store {}", server.database());
    let at = format!("{store} --key-source file:kek");
    site.says(1, &["--key-source"], &format!("status {store}"));
    // Only init makes a key-encryption key for a server: elsewhere it may be a mistake.
    site.says(1, &["kek", "can't be opened"], &format!("enroll a@example.org {at}"));
    site.ok(&format!("init --ca-rate 1000000 {at}"));
    assert!(site.path("kek").exists());
    site.write("list", "a@example.org\nb@example.org\n");
    site.ok(&format!("enroll --from list {at}"));
    let ticks = ["one", "two"].map(|node| site.json(&format!("tick --until-quiet --node {node} {at}")));
    assert_eq!(ticks.map(|tick| tick["ready"].as_u64().unwrap()), [2, 0]);
    assert_eq!(site.json(&format!("status {at}"))["totals"]["signing"], 2);
    site.ok(&format!("audit verify {at}"));
    site.says(1, &["only a store in a file"], &format!("backup x {at}"));
    // One with keys gets no other key-encryption key, and what was made for it is gone.
    site.says(1, &["another key-encryption key"], &format!("init {store} --key-source file:other"));
    assert!(!site.path("other").exists());
}

#[test]
fn a_store_moves_to_a_server_with_all_that_is_in_it() {
    let Some(server) = Server::start() else { return };
    let site = Site::new();
    site.ok("init --ca-rate 1000000");
    site.ok("enroll a@example.org b@example.org");
    site.ok("tick --until-quiet");
    let verified = site.json("audit verify");
    let store = server.database();
    assert_eq!(site.json(&format!("copy --to {store}"))["rows"]["generation"], 2);
    let at = format!("--store {store} --key-source file:sealpost.db.kek");
    assert_eq!(site.json(&format!("audit verify {at}")), verified);
    site.ok(&format!("issue a@example.org {at}"));
    site.ok(&format!("tick --until-quiet {at}"));
    assert_eq!(site.status(&format!("a@example.org {at}"))["uses"]["dual"], 2);
}

#[test]
fn a_server_that_is_gone_is_named_and_the_next_start_goes_on() {
    let Some(server) = Server::start() else { return };
    let site = Site::new();
    let at = format!("--store {} --key-source file:kek", server.database());
    site.ok(&format!("init --ca-rate 1000000 {at}"));
    site.ok(&format!("enroll a@example.org {at}"));
    server.crash();
    for verb in ["tick", "status", "enroll b@example.org", "audit verify"] {
        site.says(1, &["postgres://", "can't be reached"], &format!("{verb} {at}"));
    }
    assert!(!said(&site.run(&format!("tick {at}"))).contains("panicked"));
    server.go_on();
    site.ok(&format!("tick --until-quiet {at}"));
    assert_eq!(site.json(&format!("status {at}"))["totals"]["signing"], 1);
}
