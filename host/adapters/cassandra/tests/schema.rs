//! Making, migrating and refusing a schema, and what a wrong option says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use ringside_cassandra::{CassandraOptions, ConnectError, Credentials, connect, migrate, version};

async fn refused(options: &CassandraOptions) -> ConnectError {
    match connect(options).await {
        Ok(_) => panic!("{options:?} was taken"),
        Err(error) => error,
    }
}

/// Rows and tables that a keyspace has.
async fn versions(options: &CassandraOptions) -> Vec<i32> {
    let session = support::session(&options.contact_points[0]).await;
    let text = format!("SELECT version FROM {}.schema_version", options.keyspace);
    let rows = session.query_unpaged(text, &[]).await.unwrap().into_rows_result().unwrap();
    rows.rows::<(i32,)>().unwrap().map(|row| row.unwrap().0).collect()
}

async fn drop_keyspace(options: &CassandraOptions) {
    let session = support::session(&options.contact_points[0]).await;
    session.query_unpaged(format!("DROP KEYSPACE {}", options.keyspace), &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrating_twice_and_by_two_at_once_makes_one_schema_and_other_versions_are_refused() {
    let mut options = support::options(&support::shared(), &support::unused_keyspace()).await;
    let missing = refused(&options).await;
    assert!(matches!(missing, ConnectError::Keyspace { .. }), "{missing}");
    let text = missing.to_string();
    assert!(text.contains(&options.keyspace) && text.contains("ringside region migrate"), "{text}");

    let (one, other) = tokio::join!(migrate(&options), migrate(&options));
    one.unwrap();
    other.unwrap();
    migrate(&options).await.unwrap();
    assert_eq!(versions(&options).await, (1..=version()).collect::<Vec<_>>());
    connect(&options).await.unwrap();

    let session = support::session(&options.contact_points[0]).await;
    let retention = async || {
        let text = "SELECT default_time_to_live FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?";
        let rows = session.query_unpaged(text, (&options.keyspace, "comments")).await.unwrap();
        rows.into_rows_result().unwrap().single_row::<(i32,)>().unwrap().0
    };
    assert_eq!(retention().await, 30 * 86_400);
    let longer = CassandraOptions { retention: Duration::from_secs(90 * 86_400), ..options.clone() };
    migrate(&longer).await.unwrap();
    assert_eq!(retention().await, 90 * 86_400);

    let set = async |text: &str| {
        session.query_unpaged(text.replace("KEYSPACE", &options.keyspace), &[]).await.unwrap();
    };
    set("INSERT INTO KEYSPACE.schema_version (name, version, title) VALUES ('ringside', 999, 'later')").await;
    for error in [refused(&options).await, migrate(&options).await.unwrap_err()] {
        let text = error.to_string();
        assert!(matches!(error, ConnectError::Newer { found: 999, .. }) && !error.is_transient(), "{text}");
        assert!(text.contains("999") && text.contains(&version().to_string()), "{text}");
    }
    set("TRUNCATE KEYSPACE.schema_version").await;
    let older = refused(&options).await;
    assert!(matches!(older, ConnectError::Older { found: 0, .. }), "{older}");
    assert!(older.to_string().contains("ringside region migrate"), "{older}");

    options.datacenter = "atlantis".into();
    let error = refused(&options).await;
    assert!(matches!(error, ConnectError::Datacenter { .. }), "{error}");
    assert!(error.to_string().contains("atlantis") && !error.is_transient(), "{error}");
    drop_keyspace(&options).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_where_nobody_listens_is_named_and_one_dead_contact_point_is_no_matter() {
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut options = support::fresh().await;
    let alive = options.contact_points.clone();
    options.contact_points = vec![dead.clone()];
    let error = refused(&options).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }) && error.is_transient(), "{error}");
    assert!(error.to_string().contains(&dead), "{error}");
    options.contact_points.extend(alive);
    connect(&options).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_from_a_wrong_address_and_not_repeated_in_the_message() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            // Enough of the protocol to ask for a password and to refuse it.
            while let Some((number, operation)) = frame(&mut stream) {
                let (answer, body): (u8, Vec<u8>) = match operation {
                    0x05 => (0x06, vec![0, 0]),
                    0x01 => (0x03, text("org.apache.cassandra.auth.PasswordAuthenticator")),
                    _ => (0x00, [&0x0100_i32.to_be_bytes(), text("wrong").as_slice()].concat()),
                };
                let mut reply = vec![0x84, 0, number[0], number[1], answer];
                reply.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
                reply.extend(body);
                if stream.write_all(&reply).is_err() {
                    break;
                }
            }
        }
    });
    let credentials = Credentials { user: "ann".into(), password: "sesame".into() };
    let options = CassandraOptions {
        contact_points: vec![address.clone()],
        credentials: Some(credentials),
        ..support::fresh().await
    };
    let error = refused(&options).await;
    assert!(matches!(error, ConnectError::Refused { .. }) && !error.is_transient(), "{error}");
    let said = format!("{error} {error:?} {options:?}");
    assert!(said.contains("`ann`") && said.contains(&address) && !said.contains("sesame"), "{said}");
}

/// The number and the operation of the next request.
fn frame(stream: &mut std::net::TcpStream) -> Option<([u8; 2], u8)> {
    let mut header = [0; 9];
    stream.read_exact(&mut header).ok()?;
    let length = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
    stream.read_exact(&mut vec![0; usize::try_from(length).unwrap()]).ok()?;
    Some(([header[2], header[3]], header[4]))
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
}

#[tokio::test]
async fn options_that_cannot_be_are_refused_before_anyone_is_asked() {
    let right =
        CassandraOptions::new(vec!["127.0.0.1:1".into()], "dc", ringside_core::RegionId::new("r").unwrap());
    let wrong = [
        (CassandraOptions { contact_points: Vec::new(), ..right.clone() }, "host:port"),
        (CassandraOptions { keyspace: "Robert'; --".into(), ..right.clone() }, "Robert'; --"),
        (CassandraOptions { datacenter: "a'b".into(), ..right.clone() }, "a'b"),
        (CassandraOptions { retention: Duration::ZERO, ..right.clone() }, "0 s"),
    ];
    for (options, named) in wrong {
        let error = refused(&options).await;
        assert!(matches!(error, ConnectError::Invalid(_)) && !error.is_transient(), "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
}
