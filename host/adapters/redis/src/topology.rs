//! Which node of a cluster has which slot.

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, RedisResult, Value, from_redis_value};

/// A master and its slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Master {
    /// `host:port`.
    pub(crate) address: String,
    /// First and last slot of each of its ranges.
    pub(crate) slots: Vec<(u16, u16)>,
}

/// Asks a node, which was reached at `address`, for the masters as it knows them.
pub(crate) async fn masters(
    connection: &mut MultiplexedConnection,
    address: &str,
) -> RedisResult<Vec<Master>> {
    let ranges: Vec<Value> = redis::cmd("CLUSTER").arg("SLOTS").query_async(connection).await?;
    let masters = parse(ranges, address)?;
    if masters.is_empty() {
        return Err(RedisError::from((ErrorKind::Client, "no node of the cluster has any slot")));
    }
    Ok(masters)
}

fn parse(ranges: Vec<Value>, asked: &str) -> RedisResult<Vec<Master>> {
    let mut masters: Vec<Master> = Vec::new();
    for range in ranges {
        let mut parts = from_redis_value::<Vec<Value>>(range)?.into_iter();
        let mut part = || parts.next().unwrap_or(Value::Nil);
        let (first, last): (u16, u16) = (from_redis_value(part())?, from_redis_value(part())?);
        let mut node = from_redis_value::<Vec<Value>>(part())?.into_iter();
        let mut field = || node.next().unwrap_or(Value::Nil);
        let (host, port): (Option<String>, u16) = (from_redis_value(field())?, from_redis_value(field())?);
        // A node that does not know its own name leaves it out: it is where it was reached.
        let host = host.filter(|host| !host.is_empty() && host != "?");
        let host = host.as_deref().or_else(|| asked.rsplit_once(':').map(|(host, _)| host)).unwrap_or(asked);
        let address = format!("{host}:{port}");
        match masters.iter_mut().find(|master| master.address == address) {
            Some(master) => master.slots.push((first, last)),
            None => masters.push(Master { address, slots: vec![(first, last)] }),
        }
    }
    Ok(masters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: i64, last: i64, host: Option<&str>, port: i64) -> Value {
        let host = host.map_or(Value::Nil, |host| Value::BulkString(host.into()));
        let node = Value::Array(vec![host, Value::Int(port), Value::BulkString("id".into())]);
        Value::Array(vec![Value::Int(first), Value::Int(last), node])
    }

    #[test]
    fn ranges_of_one_master_come_together_and_an_unnamed_node_is_the_one_asked() {
        let ranges = vec![
            range(0, 5_000, Some("a"), 1),
            range(5_001, 9_000, None, 2),
            range(9_001, 16_383, Some("a"), 1),
        ];
        let master =
            |address: &str, slots: &[(u16, u16)]| Master { address: address.into(), slots: slots.into() };
        assert_eq!(
            parse(ranges, "b:7").unwrap(),
            [master("a:1", &[(0, 5_000), (9_001, 16_383)]), master("b:2", &[(5_001, 9_000)])]
        );
        assert!(parse(vec![Value::Int(3)], "b:7").is_err());
    }
}
