//! `kill -9` during work, again and again: nothing is lost and no key is doubled (invariants I3, I7; trap T5).

use std::{
    hash::{BuildHasher, RandomState},
    thread,
    time::Duration,
};

use sealpost_testkit::postgres;

use crate::{node::Node, site::Site};

const KILLS: usize = 200;

/// Some number below `limit`.
pub(crate) fn random(limit: u64) -> u64 {
    RandomState::new().hash_one(0) % limit
}

/// Starts a node and kills it while it works, or now and then while it starts; how many steps it took.
fn start_and_kill(site: &Site, number: usize, options: &[&str]) -> usize {
    let mut node = Node::start(site, &format!("node{number}"), options);
    // Sometimes it is killed while it starts, sometimes after it worked for a while.
    for _ in 0..random(5) {
        node.wait_for(&["asking:", "step:"]);
    }
    // A step takes some milliseconds; each part of it is to be hit.
    thread::sleep(Duration::from_micros(random(40_000)));
    node.kill().iter().filter(|line| line.starts_with("step:")).count()
}

fn goes_on_after_each_kill(site: &Site) {
    let steps: usize = (0..KILLS).map(|number| start_and_kill(site, number, &[])).sum();
    site.settle();
    let lost = site.look();
    eprintln!("{KILLS} kills in {steps} steps: {lost}");
    lost.assert_nothing();
    assert_eq!(lost.spare, 0, "the authority signed twice for an order: {lost}");
    // Otherwise they were killed before they did anything.
    assert!(lost.generations > KILLS, "{lost}");
}

#[test]
fn nodes_on_sqlite_that_are_killed_200_times_lose_no_key_and_double_none() {
    let site = Site::sqlite();
    goes_on_after_each_kill(&site);
    assert_eq!(site.integrity(), "ok");
}

#[test]
fn nodes_on_postgresql_that_are_killed_200_times_lose_no_key_and_double_none() {
    let Some(server) = postgres::shared() else { return };
    goes_on_after_each_kill(&Site::postgres(server));
}

/// The counterpart: this test can fail. A node that asks before the key is committed loses some.
#[test]
fn a_node_that_asks_before_its_key_is_durable_is_found_out_within_200_kills() {
    let site = Site::sqlite();
    for number in 0..KILLS {
        start_and_kill(&site, number, &["--naive"]);
        if number % 10 == 9 && site.look().certificates_without_key > 0 {
            let lost = site.look();
            eprintln!("naive: {} kills: {lost}", number + 1);
            assert!(lost.orders_without_key > 0, "{lost}");
            return;
        }
    }
    panic!("{KILLS} kills, and nothing was lost: {}", site.look());
}
