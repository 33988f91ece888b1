//! What every directory must do.

use ringside_core::UserId;
use ringside_ports::Directory;
use ringside_ports::directory::{ONLINE_EXPIRY_MS, REPORT_EXPIRY_MS, Watching};

use crate::Place;
use crate::samples::{host, stream, user};

crate::checks!($ directory directory_tests [Place<dyn Directory>] {
    viewers_are_summed_over_hosts,
    a_report_replaces_the_hosts_last_one,
    a_host_that_stopped_reporting_is_forgotten,
    users_are_online_until_their_last_sign_of_life_expires,
    users_online_come_by_id_and_at_most_as_many_as_asked_for,
    a_user_is_found_on_every_host,
    signs_of_life_at_once_are_all_kept,
});

const NOW: u64 = 1_700_000_000_000;

pub async fn viewers_are_summed_over_hosts<P: Place<dyn Directory>>() {
    let place = P::fresh().await;
    let directory = place.open().await;
    let (a, b, c) = (stream("a"), stream("a.b"), stream("c"));
    directory.report(NOW, &host("h1"), &[(a.clone(), 5), (b.clone(), 70)]).await.unwrap();
    directory.report(NOW, &host("h2"), &[(a.clone(), 1_000_000)]).await.unwrap();
    for (of, expected, hosts) in [(&a, 1_000_005, vec!["h1", "h2"]), (&b, 70, vec!["h1"]), (&c, 0, vec![])] {
        assert_eq!(directory.viewers(NOW, of).await.unwrap(), expected, "{of}");
        let hosts: Vec<_> = hosts.into_iter().map(host).collect();
        let watching = directory.watching(NOW, of).await.unwrap();
        assert_eq!(watching, Watching { viewers: expected, hosts }, "{of}");
    }
}

pub async fn a_report_replaces_the_hosts_last_one<P: Place<dyn Directory>>() {
    let place = P::fresh().await;
    let directory = place.open().await;
    let (a, b) = (stream("a"), stream("b"));
    directory.report(NOW, &host("h1"), &[(a.clone(), 5), (b.clone(), 7)]).await.unwrap();
    directory.report(NOW + 1, &host("h1"), &[(a.clone(), 4)]).await.unwrap();
    assert_eq!(directory.viewers(NOW + 1, &a).await.unwrap(), 4);
    assert_eq!(directory.viewers(NOW + 1, &b).await.unwrap(), 0, "streams left out have none");
    directory.report(NOW + 2, &host("h1"), &[]).await.unwrap();
    assert_eq!(directory.viewers(NOW + 2, &a).await.unwrap(), 0);
}

pub async fn a_host_that_stopped_reporting_is_forgotten<P: Place<dyn Directory>>() {
    let place = P::fresh().await;
    let directory = place.open().await;
    let a = stream("a");
    directory.report(NOW, &host("h1"), &[(a.clone(), 5)]).await.unwrap();
    directory.report(NOW + 5_000, &host("h2"), &[(a.clone(), 3)]).await.unwrap();
    let counts = [(REPORT_EXPIRY_MS - 1, 8), (REPORT_EXPIRY_MS + 1, 3), (REPORT_EXPIRY_MS + 5_001, 0)];
    for (after, expected) in counts {
        assert_eq!(directory.viewers(NOW + after, &a).await.unwrap(), expected, "after {after} ms");
    }
}

pub async fn users_are_online_until_their_last_sign_of_life_expires<P: Place<dyn Directory>>() {
    let place = P::fresh().await;
    let directory = place.open().await;
    let (a, b) = (stream("a"), stream("b"));
    let (ann, bob) = (user("ann"), user("bob"));
    directory.seen(NOW, &host("h1"), &[(a.clone(), ann.clone()), (a.clone(), bob.clone())]).await.unwrap();
    directory.seen(NOW, &host("h1"), &[(b.clone(), bob.clone())]).await.unwrap();
    directory.seen(NOW + 1_000, &host("h1"), &[(a.clone(), bob.clone())]).await.unwrap();
    let online = async |after: u64, of| directory.online(NOW + after, of, 10).await.unwrap();
    assert_eq!(online(ONLINE_EXPIRY_MS - 1, &a).await, [ann.clone(), bob.clone()]);
    assert_eq!(online(ONLINE_EXPIRY_MS + 1, &a).await, [bob]);
    assert_eq!(online(ONLINE_EXPIRY_MS + 1, &b).await, []);
    assert_eq!(online(ONLINE_EXPIRY_MS + 1_001, &a).await, []);
    let hosts = async |after: u64, of| directory.hosts_of(NOW + after, of).await.unwrap();
    assert_eq!(hosts(ONLINE_EXPIRY_MS - 1, &ann).await, [host("h1")]);
    assert_eq!(hosts(ONLINE_EXPIRY_MS + 1, &ann).await, []);
}

pub async fn users_online_come_by_id_and_at_most_as_many_as_asked_for<P: Place<dyn Directory>>() {
    let place = P::fresh().await;
    let directory = place.open().await;
    let a = stream("a");
    let users: Vec<UserId> = (0..100).map(|n| user(&format!("u{n:03}"))).collect();
    for of in users.iter().rev() {
        directory.seen(NOW, &host("h1"), &[(a.clone(), of.clone())]).await.unwrap();
    }
    assert_eq!(directory.online(NOW, &a, 1_000).await.unwrap(), users);
    assert_eq!(directory.online(NOW, &a, 7).await.unwrap(), users[..7]);
    assert_eq!(directory.online(NOW, &a, 0).await.unwrap(), []);
    assert_eq!(directory.online(NOW, &stream("b"), 7).await.unwrap(), []);
}

pub async fn a_user_is_found_on_every_host<P: Place<dyn Directory>>() {
    let place = P::fresh().await;
    let directory = place.open().await;
    let ann = user("ann");
    let places = [("h1", "a"), ("h2", "a"), ("h3", "b"), ("h1", "b")];
    for (at, of) in places {
        directory.seen(NOW, &host(at), &[(stream(of), ann.clone())]).await.unwrap();
    }
    let mut hosts = directory.hosts_of(NOW, &ann).await.unwrap();
    hosts.sort();
    assert_eq!(hosts, [host("h1"), host("h2"), host("h3")]);
    assert_eq!(directory.online(NOW, &stream("a"), 10).await.unwrap(), [ann], "once, however many hosts");
    assert_eq!(directory.hosts_of(NOW, &user("an")).await.unwrap(), []);
}

pub async fn signs_of_life_at_once_are_all_kept<P: Place<dyn Directory>>() {
    let place = P::fresh().await;
    let directory = place.open().await;
    let mut running = tokio::task::JoinSet::new();
    for n in 0..50 {
        let directory = directory.clone();
        running.spawn(async move {
            let users: Vec<_> =
                (0..20).map(|k| (stream("a"), user(&format!("u{:04}", n * 20 + k)))).collect();
            directory.seen(NOW, &host(&format!("h{}", n % 3)), &users).await.unwrap();
            directory.report(NOW, &host(&format!("h{n}")), &[(stream("a"), 2)]).await.unwrap();
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    assert_eq!(directory.online(NOW, &stream("a"), 10_000).await.unwrap().len(), 1_000);
    assert_eq!(directory.viewers(NOW, &stream("a")).await.unwrap(), 100);
}
