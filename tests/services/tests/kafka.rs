//! A broker that is hurt.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::is_gone;
use ringside_services::{Folder, kafka};

#[test]
fn a_killed_broker_comes_back_on_its_port_with_its_records_and_nothing_is_left_when_it_ends() {
    let folder = Folder::temporary().unwrap();
    let path = folder.path().to_owned();
    let mut broker = kafka::start(&folder, "kafka", &kafka::Options::default()).unwrap();
    drop(folder);
    let address = broker.address().to_owned();
    assert_eq!(kafka::produce(&address, "kept").unwrap(), 0);
    assert_eq!(kafka::produce(&address, "kept").unwrap(), 1);

    let killed = broker.pid();
    broker.kill().unwrap();
    assert!(is_gone(killed));
    assert!(broker.answers().is_err());
    broker.restart().unwrap();
    assert_eq!(broker.address(), address);
    assert_ne!(broker.pid(), killed);
    assert_eq!(kafka::end_offset(&address, "kept").unwrap(), 2);
    assert_eq!(kafka::produce(&address, "kept").unwrap(), 2);

    broker.stop().unwrap();
    assert!(kafka::produce(&address, "kept").is_err(), "a stopped broker answers nobody");
    broker.go_on().unwrap();
    broker.wait_until_ready().unwrap();

    let last = broker.pid();
    drop(broker);
    assert!(is_gone(last));
    assert!(!path.exists());
}

#[test]
fn clients_are_sent_to_the_advertised_address_and_settings_of_the_caller_win() {
    let folder = Folder::temporary().unwrap();
    let options = kafka::Options {
        advertised: Some("127.0.0.1:9".into()),
        properties: vec![("num.partitions".into(), "7".into())],
    };
    let broker = kafka::start(&folder, "region-two", &options).unwrap();
    let text = std::fs::read_to_string(broker.folder().join("server.properties")).unwrap();
    assert!(text.contains("advertised.listeners=PLAINTEXT://127.0.0.1:9\n"), "{text}");
    assert!(text.ends_with("num.partitions=7\n"), "{text}");
}
