//! The topics in the cluster: making what is missing, and holding what is there against what was asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{IsError, KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;
use ringside_ports::log::Topic;
use tracing::warn;

use crate::client::{self, ANSWER_MAX, Reporter, aside};
use crate::error::ConnectError;
use crate::options::{KafkaOptions, TopicSpec};

/// How long new topics may take until every partition has a leader.
const LEADERS_MAX: Duration = Duration::from_secs(20);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(100);

type Admin = AdminClient<Reporter>;

/// Makes the topics that are missing; returns their names. Changes nothing that is there, so it may run twice, and
/// two may run it at once.
///
/// # Errors
/// [`ConnectError`]; also where a topic is there and is too small.
pub(crate) async fn create(options: &KafkaOptions) -> Result<Vec<String>, ConnectError> {
    let admin = admin(options)?;
    let made = create_with(&admin, options).await;
    aside(admin);
    made
}

fn admin(options: &KafkaOptions) -> Result<Arc<Admin>, ConnectError> {
    let admin = client::admin(options).create_with_context(Reporter::default());
    admin.map(Arc::new).map_err(|error| ConnectError::options(&error))
}

async fn create_with(admin: &Arc<Admin>, options: &KafkaOptions) -> Result<Vec<String>, ConnectError> {
    let mut made = Vec::new();
    for topic in Topic::ALL {
        let (name, spec) = (options.topic_name(topic), options.topics.get(topic));
        let settings = spec.settings();
        let partitions = i32::try_from(spec.partitions).unwrap_or(i32::MAX);
        let replication = TopicReplication::Fixed(i32::from(spec.replication));
        let new = settings
            .iter()
            .fold(NewTopic::new(&name, partitions, replication), |new, (key, value)| new.set(key, value));
        let patience =
            AdminOptions::new().request_timeout(Some(ANSWER_MAX)).operation_timeout(Some(ANSWER_MAX));
        let answer = admin.create_topics([&new], &patience).await;
        let answer =
            answer.map_err(|error| ConnectError::unreachable(options, &error, admin.inner().context()))?;
        match answer.into_iter().next() {
            Some(Ok(name)) => made.push(name),
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) | None => {}
            Some(Err((name, error))) => {
                let (wanted, reason) = (spec.replication, KafkaError::AdminOp(error).to_string());
                return Err(ConnectError::NotMade { topic: name, replication: wanted, reason });
            }
        }
    }
    let last = Instant::now() + LEADERS_MAX;
    for topic in Topic::ALL {
        let name = options.topic_name(topic);
        loop {
            // A new topic is known to each broker a moment later.
            let (asks, asked) = (admin.clone(), options.clone());
            let looked = tokio::task::spawn_blocking(move || look(asks.inner(), &asked, topic));
            match looked.await.map_err(|error| ConnectError::Options(error.to_string()))? {
                Err(ConnectError::Missing { .. } | ConnectError::Leaderless { .. })
                    if Instant::now() < last => {}
                Err(error) => return Err(error),
                Ok(_) => break,
            }
            tokio::time::sleep(LOOK).await;
        }
        settings_hold(admin, options, topic, &name).await?;
    }
    Ok(made)
}

/// Holds the settings of all topics against what was asked for.
pub(crate) async fn check_settings(options: &KafkaOptions) -> Result<(), ConnectError> {
    let admin = admin(options)?;
    let mut checked = Ok(());
    for topic in Topic::ALL {
        checked = settings_hold(&admin, options, topic, &options.topic_name(topic)).await;
        if checked.is_err() {
            break;
        }
    }
    aside(admin);
    checked
}

/// Fewer copies than asked for at an acknowledgement are refused, since that is what makes it safe; how long records
/// are kept is the operator's to change, and only told.
async fn settings_hold(
    admin: &Admin,
    options: &KafkaOptions,
    topic: Topic,
    name: &str,
) -> Result<(), ConnectError> {
    let spec = options.topics.get(topic);
    let patience = AdminOptions::new().request_timeout(Some(ANSWER_MAX));
    let answer = admin.describe_configs([&ResourceSpecifier::Topic(name)], &patience).await;
    let mut answer =
        answer.map_err(|error| ConnectError::unreachable(options, &error, admin.inner().context()))?;
    let found = match answer.pop() {
        Some(Ok(found)) => found,
        Some(Err(error)) => {
            // Not everybody may ask.
            warn!(topic = name, %error, "the topic's settings cannot be looked at");
            return Ok(());
        }
        None => return Ok(()),
    };
    compare(&found, spec, name)
}

fn compare(found: &ConfigResource, spec: &TopicSpec, topic: &str) -> Result<(), ConnectError> {
    for (key, wanted) in spec.settings() {
        let Some(value) = found.get(key).and_then(|entry| entry.value.as_deref()) else { continue };
        if key == "min.insync.replicas" && value.parse().is_ok_and(|found: u16| found < spec.in_sync) {
            let found = value.to_owned();
            return Err(ConnectError::InSync { topic: topic.to_owned(), found, wanted: spec.in_sync });
        }
        if value != wanted {
            warn!(
                topic,
                setting = key,
                found = value,
                wanted,
                "a topic's setting is not as this region asks for"
            );
        }
    }
    Ok(())
}

/// Looks at a topic: how many partitions it has. Blocks.
pub(crate) fn look<C: Reports>(
    client: &Client<C>,
    options: &KafkaOptions,
    topic: Topic,
) -> Result<u32, ConnectError> {
    let name = options.topic_name(topic);
    let unreachable =
        |error: &KafkaError| ConnectError::unreachable(options, error, client.context().reporter());
    let metadata = client.fetch_metadata(Some(&name), ANSWER_MAX).map_err(|error| unreachable(&error))?;
    let found = metadata.topics().first();
    let Some(found) = found.filter(|found| !found.partitions().is_empty()) else {
        let error =
            found.and_then(MetadataTopic::error).filter(IsError::is_error).map(RDKafkaErrorCode::from);
        return match error {
            None | Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                Err(ConnectError::Missing { topic: name, servers: options.servers.clone() })
            }
            Some(error) => Err(unreachable(&KafkaError::MetadataFetch(error))),
        };
    };
    let spec = options.topics.get(topic);
    let partitions = u32::try_from(found.partitions().len()).unwrap_or(u32::MAX);
    if partitions < spec.partitions {
        return Err(ConnectError::Partitions { topic: name, found: partitions, wanted: spec.partitions });
    }
    for partition in found.partitions() {
        let copies = partition.replicas().len();
        if copies < usize::from(spec.replication) {
            return Err(ConnectError::Replication { topic: name, found: copies, wanted: spec.replication });
        }
        if partition.leader() < 0 {
            return Err(ConnectError::Leaderless { topic: name, partition: partition.id() });
        }
    }
    Ok(partitions)
}

/// A client's context that knows what went wrong last.
pub(crate) trait Reports: ClientContext {
    fn reporter(&self) -> &Reporter;
}

impl Reports for Reporter {
    fn reporter(&self) -> &Reporter {
        self
    }
}
