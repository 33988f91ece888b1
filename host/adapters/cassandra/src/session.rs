//! A session that asks only this region's nodes, and waits for none of them for long.

use std::sync::Arc;
use std::time::Duration;

use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::cluster::metadata::Strategy;
use scylla::errors::{DbError, NewSessionError};
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::policies::speculative_execution::SimpleSpeculativeExecutionPolicy;
use scylla::statement::{Consistency, SerialConsistency};

use crate::error::ConnectError;
use crate::options::CassandraOptions;

/// Longest wait for one request, retries on other nodes included. A call of the port makes a few, and ends with the
/// first that fails.
pub(crate) const REQUEST_MAX: Duration = Duration::from_secs(3);
/// Longest wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// A node that does not answer for this long is asked no more: another replica is.
const SPECULATE_AFTER: Duration = Duration::from_millis(300);
/// Connections are tried this often, and dropped when no answer comes for as long, so that a node that hangs is
/// noticed in four seconds.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// Longest wait until all nodes have the same schema.
const AGREEMENT_MAX: Duration = Duration::from_secs(30);
/// Time for one statement of a migration.
pub(crate) const SCHEMA_CHANGE_MAX: Duration = Duration::from_secs(20);

/// Opens a session, in a keyspace that is there.
pub(crate) async fn open(options: &CassandraOptions) -> Result<Session, ConnectError> {
    let session = open_without_keyspace(options).await?;
    let state = session.get_cluster_state();
    let Some(keyspace) = state.get_keyspace(&options.keyspace) else {
        return Err(ConnectError::Keyspace {
            addresses: options.addresses(),
            keyspace: options.keyspace.clone(),
        });
    };
    if let Strategy::NetworkTopologyStrategy { datacenter_repfactors } = &keyspace.strategy
        && !datacenter_repfactors.contains_key(&options.datacenter)
    {
        return Err(ConnectError::Replication {
            keyspace: options.keyspace.clone(),
            datacenter: options.datacenter.clone(),
        });
    }
    drop(state);
    use_keyspace(&session, options).await?;
    Ok(session)
}

pub(crate) async fn use_keyspace(session: &Session, options: &CassandraOptions) -> Result<(), ConnectError> {
    session.use_keyspace(&options.keyspace, true).await.map_err(|error| ConnectError::Failed {
        addresses: options.addresses(),
        what: format!("use keyspace `{}`", options.keyspace),
        source: error.into(),
    })
}

/// Opens a session.
pub(crate) async fn open_without_keyspace(options: &CassandraOptions) -> Result<Session, ConnectError> {
    options.check()?;
    let policy = DefaultPolicy::builder()
        .prefer_datacenter(options.datacenter.clone())
        .permit_dc_failover(false)
        .token_aware(true)
        .build();
    let profile = ExecutionProfile::builder()
        .consistency(Consistency::LocalQuorum)
        .serial_consistency(Some(SerialConsistency::Serial))
        .request_timeout(Some(REQUEST_MAX))
        .load_balancing_policy(policy)
        .speculative_execution_policy(Some(Arc::new(SimpleSpeculativeExecutionPolicy {
            max_retry_count: 1,
            retry_interval: SPECULATE_AFTER,
        })))
        .build();
    let mut builder = SessionBuilder::new()
        .known_nodes(&options.contact_points)
        .default_execution_profile_handle(profile.into_handle())
        .keyspaces_to_fetch([&options.keyspace])
        .connection_timeout(CONNECT_MAX)
        .keepalive_interval(KEEPALIVE)
        .keepalive_timeout(KEEPALIVE)
        .schema_agreement_timeout(AGREEMENT_MAX);
    if let Some(credentials) = &options.credentials {
        builder = builder.user(&credentials.user, &credentials.password);
    }
    // The driver tries one contact point after the other.
    let attempts = u32::try_from(options.contact_points.len()).unwrap_or(u32::MAX).saturating_add(1);
    let session = match tokio::time::timeout(CONNECT_MAX.saturating_mul(attempts), builder.build()).await {
        Ok(built) => built.map_err(|error| refused(options, error))?,
        Err(elapsed) => {
            return Err(ConnectError::Unreachable { addresses: options.addresses(), source: elapsed.into() });
        }
    };
    let state = session.get_cluster_state();
    let mut known: Vec<&str> =
        state.get_nodes_info().iter().filter_map(|node| node.datacenter.as_deref()).collect();
    known.sort_unstable();
    known.dedup();
    if !known.contains(&options.datacenter.as_str()) {
        return Err(ConnectError::Datacenter {
            addresses: options.addresses(),
            datacenter: options.datacenter.clone(),
            known: known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        });
    }
    drop(state);
    Ok(session)
}

fn refused(options: &CassandraOptions, error: NewSessionError) -> ConnectError {
    let addresses = options.addresses();
    if is_about_password(&error) {
        let user = options.credentials.as_ref().map_or(String::new(), |credentials| credentials.user.clone());
        ConnectError::Refused { addresses, user, source: error.into() }
    } else {
        ConnectError::Unreachable { addresses, source: error.into() }
    }
}

/// True when a node answered that it does not know the user: anywhere in the chain of causes.
fn is_about_password(error: &NewSessionError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(DbError::AuthenticationError)) {
            return true;
        }
        cause = error.source();
    }
    // Not every layer of the driver names its cause as one.
    let text = error.to_string();
    ["Authentication", "authentication"].iter().any(|word| text.contains(word))
}
