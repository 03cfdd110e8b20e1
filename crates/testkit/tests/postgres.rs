//! The server for tests is one that really keeps what it commits.
#![cfg(all(test, unix))]

use sealpost_testkit::postgres::Server;

#[test]
fn what_was_committed_is_there_after_a_crash_and_nothing_is_left_after_the_test() {
    let Some(server) = Server::start() else { return };
    let address = server.database();
    server.sql("test0", "CREATE TABLE kept (number INTEGER); INSERT INTO kept VALUES (1)");
    server.crash();
    server.go_on();
    server.sql("test0", "INSERT INTO kept SELECT 1 / count(*) FROM kept");
    let folder = address.split('@').nth(1).unwrap().split('/').next().unwrap().replace("%2F", "/");
    assert!(std::path::Path::new(&folder).exists());
    drop(server);
    assert!(!std::path::Path::new(&folder).exists());
}
