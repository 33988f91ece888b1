//! MirrorMaker between two regions, killed on the way.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{eventually, is_gone};
use ringside_services::{Folder, kafka, mirror_maker};

#[test]
fn records_reach_the_other_region_also_after_the_mirror_was_killed() {
    let folder = Folder::temporary().unwrap();
    let kafka = |name: &str| kafka::start(&folder, name, &kafka::Options::default()).unwrap();
    let (east, west) = (kafka("us-east"), kafka("eu-west"));
    kafka::produce(east.address(), "comments").unwrap();
    kafka::produce(east.address(), "private").unwrap();
    let region = |server: &ringside_services::Server| {
        (server.folder().file_name().unwrap().to_str().unwrap().to_owned(), server.address().to_owned())
    };
    let options = mirror_maker::Options {
        regions: vec![region(&east), region(&west)],
        topics: "comments".into(),
        properties: Vec::new(),
    };
    let mut mirror = mirror_maker::start(&folder, "mirror-maker", &options).unwrap();
    let copied = |topic: &str| kafka::end_offset(west.address(), &format!("us-east.{topic}")).unwrap_or(0);
    eventually("the record is copied", || copied("comments") == 1);

    let killed = mirror.pid();
    mirror.kill().unwrap();
    assert!(is_gone(killed));
    kafka::produce(east.address(), "comments").unwrap();
    mirror.restart().unwrap();
    // It may copy again what it copied just before it was killed.
    eventually("the record of meanwhile is copied", || copied("comments") >= 2);
    assert_eq!(copied("private"), 0, "only the named topics are copied");
    let last = mirror.pid();
    drop(mirror);
    assert!(is_gone(last));
}

#[test]
fn a_mirror_of_one_region_is_refused() {
    let folder = Folder::temporary().unwrap();
    let region = ("us-east".to_owned(), "127.0.0.1:9".to_owned());
    for regions in [vec![region.clone()], vec![region.clone(), region]] {
        let options = mirror_maker::Options { regions, topics: "comments".into(), properties: Vec::new() };
        let error = mirror_maker::start(&folder, "mirror-maker", &options).unwrap_err();
        assert!(error.to_string().contains("two regions"), "{error}");
    }
}
