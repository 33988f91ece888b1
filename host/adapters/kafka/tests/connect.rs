//! What is wrong with a cluster is told at the start, with what to do about it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

mod support;

use std::io::Write as _;
use std::net::TcpListener;

use ringside_kafka::{ConnectError, KafkaLog, KafkaOptions, Topics};
use ringside_ports::Log;
use support::{PARTITIONS, ROOMS, begin, broker, hurt, options, shared, within};

async fn refused(options: &KafkaOptions) -> ConnectError {
    within(KafkaLog::connect(options)).await.map(drop).unwrap_err()
}

#[tokio::test]
async fn an_address_where_no_broker_is_is_named() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let error = refused(&options(&nobody)).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(error.is_transient() && error.to_string().contains(&nobody), "{error}");
    let error = within(KafkaLog::create_topics(&options(&nobody))).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    // It takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = refused(&options(&silent.local_addr().unwrap().to_string())).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_missing_topic_is_named_with_the_command_that_makes_it_and_not_made_by_asking() {
    let options = options(&shared());
    for _ in 0..2 {
        let error = refused(&options).await;
        assert!(matches!(error, ConnectError::Missing { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains(&options.topic_name(ROOMS)) && text.contains("ringside region migrate"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn topics_are_made_once_by_however_many_try() {
    let options = options(&shared());
    let tries = [(); 3].map(|()| KafkaLog::create_topics(&options));
    let [one, two, three] = tries;
    let (one, two, three) = tokio::join!(one, two, three);
    let made: usize = [one, two, three].into_iter().map(|made| made.unwrap().len()).sum();
    assert_eq!(made, ringside_ports::log::Topic::ALL.len(), "each by one of them");
    assert_eq!(KafkaLog::create_topics(&options).await.unwrap(), Vec::<String>::new());
    let log = KafkaLog::connect(&options).await.unwrap();
    assert_eq!(log.partitions(ROOMS), PARTITIONS);
}

#[tokio::test]
async fn topics_that_are_smaller_or_less_safe_than_asked_for_are_refused() {
    let options = options(&shared());
    drop(begin(&options).await);
    let asks = |change: fn(&mut ringside_kafka::TopicSpec)| {
        let mut asks = options.clone();
        change(asks.topics.get_mut(ROOMS).unwrap());
        asks
    };
    let error = refused(&asks(|spec| spec.partitions += 1)).await;
    assert!(matches!(error, ConnectError::Partitions { found: PARTITIONS, .. }), "{error:?}");
    let error = KafkaLog::create_topics(&asks(|spec| spec.partitions += 1)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Partitions { .. }), "what is there is not changed: {error:?}");
    let error = refused(&asks(|spec| spec.replication = 3)).await;
    assert!(matches!(error, ConnectError::Replication { found: 1, wanted: 3, .. }), "{error:?}");
    let error = refused(&asks(|spec| spec.in_sync = 2)).await;
    assert!(matches!(error, ConnectError::InSync { .. }), "{error:?}");
    // More partitions than asked for are taken as they are: keys are spread over all of them.
    let log = KafkaLog::connect(&asks(|spec| spec.partitions -= 1)).await.unwrap();
    assert_eq!(log.partitions(ROOMS), PARTITIONS);
}

#[tokio::test]
async fn more_copies_than_brokers_cannot_be_made() {
    let options = KafkaOptions { topics: Topics::default(), ..options(&shared()) };
    let error = KafkaLog::create_topics(&options).await.unwrap_err();
    assert!(matches!(error, ConnectError::NotMade { replication: 3, .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_with_the_users_name_and_without_the_password() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = broker(&[]).await;
    let server = hurt(server, move |server| {
        let path = server.folder().join("server.properties");
        let text = std::fs::read_to_string(&path).unwrap();
        let listeners = text.lines().find(|line| line.starts_with("listeners=")).unwrap();
        let advertised = text.lines().find(|line| line.starts_with("advertised.listeners=")).unwrap();
        let mut file = std::fs::File::options().append(true).open(&path).unwrap();
        // Of a key that is there twice, the last one counts.
        write!(
            file,
            "{listeners},SASL://127.0.0.1:{port}\n\
             {advertised},SASL://127.0.0.1:{port}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT\n\
             sasl.enabled.mechanisms=PLAIN\n\
             listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_ringside=\"right\";\n"
        )
        .unwrap();
        server.restart().unwrap();
    })
    .await;
    let with = |password: &str| KafkaOptions {
        user: Some("ringside".into()),
        password: Some(password.into()),
        ..options(&format!("127.0.0.1:{port}"))
    };
    let error = refused(&with("wrong-one")).await;
    assert!(matches!(&error, ConnectError::Refused { user, .. } if user == "ringside"), "{error:?}");
    let text = format!("{error} {error:?} {:?}", with("wrong-one"));
    assert!(!text.contains("wrong-one"), "{text}");
    drop(begin(&with("right")).await);
    drop(server);
}
