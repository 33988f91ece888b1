//! The few requests of Cassandra's protocol, version 4, that show that a node and its cluster work.

use std::io::{Error, Result, Write};
use std::net::TcpStream;

use crate::wire::{Answer, bad, connect, read, text};

const VERSION: u8 = 4;
const STARTUP: u8 = 1;
const QUERY: u8 = 7;
const ERROR: u8 = 0;
/// The kind of a result that has rows.
const ROWS: i32 = 2;

#[derive(Clone, Copy)]
enum Consistency {
    One = 1,
    EachQuorum = 7,
}

/// How many other nodes the node at `address` knows.
pub(super) fn peers(address: &str) -> Result<usize> {
    ask(address, "SELECT rack FROM system.peers")
}

/// Runs a statement with consistency ONE on a connection of its own; gives the number of rows in its answer. What is
/// selected must be one column of text.
pub fn ask(address: &str, statement: &str) -> Result<usize> {
    let answer = Node::open(address)?.query(statement, Consistency::One)?;
    let mut answer = Answer(&answer);
    if answer.i32()? != ROWS {
        return Ok(0);
    }
    answer.i32()?; // flags: one table for all columns
    answer.i32()?; // one column
    for _ in ["keyspace", "table", "column"] {
        answer.text()?;
    }
    answer.i16()?; // its type, text
    usize::try_from(answer.i32()?).map_err(|_| bad("a negative number of rows"))
}

/// Gets a row acknowledged by a quorum of each datacenter.
pub(super) fn write_everywhere(address: &str, datacenters: &[String]) -> std::result::Result<(), String> {
    let names: std::collections::BTreeSet<&String> = datacenters.iter().collect();
    let copies: String = names
        .iter()
        .map(|name| format!(", '{name}': {}", datacenters.iter().filter(|of| of == name).count()))
        .collect();
    let statements = [
        format!(
            "CREATE KEYSPACE IF NOT EXISTS ringside_services \
             WITH replication = {{'class': 'NetworkTopologyStrategy'{copies}}}"
        ),
        "CREATE TABLE IF NOT EXISTS ringside_services.ready (id int PRIMARY KEY)".to_owned(),
        "INSERT INTO ringside_services.ready (id) VALUES (1)".to_owned(),
    ];
    let write = || -> Result<()> {
        let mut node = Node::open(address)?;
        statements.iter().try_for_each(|statement| node.query(statement, Consistency::EachQuorum).map(drop))
    };
    write().map_err(|error| error.to_string())
}

struct Node(TcpStream);

impl Node {
    fn open(address: &str) -> Result<Self> {
        let mut node = Self(connect(address)?);
        let mut body = 1_i16.to_be_bytes().to_vec();
        text(&mut body, "CQL_VERSION");
        text(&mut body, "3.0.0");
        node.ask(STARTUP, &body)?;
        Ok(node)
    }

    fn query(&mut self, statement: &str, consistency: Consistency) -> Result<Vec<u8>> {
        let mut body = length(statement.len()).to_vec();
        body.extend(statement.as_bytes());
        body.extend((consistency as i16).to_be_bytes());
        body.push(0); // no values, no paging
        self.ask(QUERY, &body)
    }

    fn ask(&mut self, operation: u8, body: &[u8]) -> Result<Vec<u8>> {
        let head = [VERSION, 0, 0, 0, operation];
        self.0.write_all(&[head.as_slice(), &length(body.len()), body].concat())?;
        let head = read(&mut self.0, 9)?;
        let mut head = Answer(&head);
        let operation = head.bytes(5)?.last().copied();
        let body = read(&mut self.0, head.i32()?.into())?;
        if operation != Some(ERROR) {
            return Ok(body);
        }
        let mut error = Answer(&body);
        let code = error.i32()?;
        Err(Error::other(format!("Cassandra's error {code:#06x}: {}", error.text()?)))
    }
}

fn length(length: usize) -> [u8; 4] {
    i32::try_from(length).unwrap_or(0).to_be_bytes()
}
