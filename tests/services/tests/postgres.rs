//! PostgreSQL that is hurt.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::is_gone;
use ringside_services::{Folder, postgres};

#[test]
fn a_killed_server_comes_back_on_its_port_with_every_commit_and_nothing_is_left_when_it_ends() {
    let folder = Folder::temporary().unwrap();
    let path = folder.path().to_owned();
    let mut server = postgres::start(&folder, "postgres").unwrap();
    drop(folder);
    let address = server.address().to_owned();
    postgres::ask(&address, "CREATE TABLE kept (a int)").unwrap();
    postgres::ask(&address, "INSERT INTO kept SELECT generate_series(1, 1000)").unwrap();
    let killed = server.pid();
    server.kill().unwrap();
    assert!(is_gone(killed));
    server.restart().unwrap();
    assert_eq!(server.address(), address);
    assert_eq!(postgres::ask(&address, "SELECT count(*) FROM kept").unwrap(), "1000");

    server.stop().unwrap();
    assert!(server.answers().is_err());
    server.go_on().unwrap();
    server.answers().unwrap();

    let last = server.pid();
    drop(server);
    assert!(is_gone(last));
    assert!(!path.exists());
}
