//! Several nodes on one PostgreSQL: one takes over from another, all share the work, and the server may go away
//! (traps T6 and T14).

use std::collections::BTreeMap;

use sealpost_rollover::port::KeyStore;
use sealpost_testkit::postgres::{self, Server};

use crate::{
    node::Node,
    site::{Site, audited, wait},
};

/// All that a node could have written: audit records, and what it tells of its subjects.
fn written(site: &Site) -> (Vec<(String, String)>, String) {
    wait(async {
        let store = site.open().await;
        let listed = store.list(None, 10).await.unwrap();
        (audited(&store).await, format!("{listed:?}"))
    })
}

#[test]
fn a_node_that_is_stopped_in_its_lease_is_replaced_and_what_it_writes_late_is_fenced_off() {
    let Some(server) = postgres::shared() else { return };
    let site = Site::postgres(server);
    let one = ["--subjects", "1", "--until-ready", "--think", "300"];
    let mut first = Node::start(&site, "first", &one);
    // It holds the lease, has asked, and the answer has not arrived.
    first.wait_for(&["asked:"]);
    first.signal("STOP");
    let second = Node::start(&site, "second", &one).end();
    assert!(second.iter().any(|line| line.contains("finding:")), "it did not look for the order: {second:?}");
    let before = written(&site);
    first.signal("CONT");
    first.wait_for(&["fenced 1"]);
    first.end();
    assert_eq!(written(&site), before, "it wrote something after its lease ended");
    let actors: Vec<&str> = before.0.iter().map(|(actor, _)| actor.as_str()).collect();
    let nodes: Vec<&str> = actors.iter().copied().filter(|&actor| actor != "the test").collect();
    assert!(nodes.is_sorted() && nodes.contains(&"first") && nodes.contains(&"second"), "{nodes:?}");
    let lost = site.look();
    eprintln!("taken over: {lost}");
    lost.assert_nothing();
    assert_eq!((lost.generations, lost.certificates), (1, 1));
}

#[test]
fn three_nodes_share_300_subjects_and_each_certificate_is_ordered_once() {
    let Some(server) = postgres::shared() else { return };
    let site = Site::postgres(server);
    let all = ["--subjects", "300", "--until-ready"];
    let nodes = ["first", "second", "third"].map(|name| Node::start(&site, name, &all));
    for said in nodes.map(Node::end) {
        assert!(said.iter().all(|line| !line.starts_with("error") && !line.starts_with("failure")), "{said:?}");
    }
    let lost = site.look();
    let mut shares: BTreeMap<String, u32> = BTreeMap::new();
    for (actor, _) in wait(async { audited(&site.open().await).await }) {
        *shares.entry(actor).or_default() += 1;
    }
    eprintln!("shared: {lost}; written by {shares:?}");
    lost.assert_nothing();
    assert_eq!((lost.generations, lost.certificates), (300, 300));
    for name in ["first", "second", "third"] {
        assert!(shares.get(name).is_some_and(|&share| share > 100), "{shares:?}");
    }
}

#[test]
fn a_node_whose_postgresql_crashes_says_so_and_goes_on_once_it_is_back() {
    let Some(server) = Server::start() else { return };
    let site = Site::postgres(&server);
    let mut node = Node::start(&site, "node", &["--subjects", "30"]);
    for _ in 0..5 {
        node.wait_for(&["asking:"]);
        server.crash();
        node.skip();
        let error = node.wait_for(&["error:"]);
        assert!(error.contains("can't be reached"), "{error}");
        server.go_on();
        node.skip();
        node.wait_for(&["ready 1", "ready 2", "ready 3"]);
    }
    node.kill();
    site.settle();
    let lost = site.look();
    eprintln!("5 crashes of PostgreSQL: {lost}");
    lost.assert_nothing();
}
