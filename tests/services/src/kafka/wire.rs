//! The three requests of Kafka's protocol that show that a broker works: create a topic, produce, list offsets.

use std::io::{Error, Result, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::wire::{Answer, connect, read, text};

// Key and version of each request: the oldest version that Kafka 4 takes, since it is the smallest.
const CREATE_TOPICS: (i16, i16) = (19, 2);
const PRODUCE: (i16, i16) = (0, 3);
const LIST_OFFSETS: (i16, i16) = (2, 1);

const TOPIC_ALREADY_EXISTS: i16 = 36;
/// What a broker says of a topic that was made a moment ago: it does not know it yet, or who leads it.
const NOT_YET: [i16; 3] = [3, 5, 6];
/// How often such a topic is tried, and the time between: six seconds.
const TRIES: u32 = 60;
const AGAIN: Duration = Duration::from_millis(100);
/// The broker's own wait, in ms; shorter than that for its answer.
const BROKER_LIMIT_MS: i32 = 4_000;
/// CRC-32C (Castagnoli), reflected.
const CRC_POLYNOMIAL: u32 = 0x82F6_3B78;

/// Makes `topic` (one partition) where it is not there, and gets one record of it acknowledged; gives its offset.
pub fn produce(address: &str, topic: &str) -> Result<i64> {
    let mut stream = connect(address)?;
    create(&mut stream, topic)?;
    let mut body = Vec::new();
    body.extend((-1_i16).to_be_bytes()); // no transaction
    body.extend((-1_i16).to_be_bytes()); // acknowledged by all replicas
    body.extend(BROKER_LIMIT_MS.to_be_bytes());
    one_partition(&mut body, topic);
    let batch = batch();
    length(&mut body, batch.len());
    body.extend(batch);
    let mut tries = 1;
    loop {
        let answer = ask(&mut stream, PRODUCE, &body)?;
        let mut answer = Answer(&answer);
        skip_to_partition(&mut answer)?;
        match answer.i16()? {
            error if NOT_YET.contains(&error) && tries < TRIES => {
                tries += 1;
                std::thread::sleep(AGAIN);
            }
            error => {
                check(error, "produce")?;
                return answer.i64();
            }
        }
    }
}

/// The offset behind the last record of partition 0 of `topic`.
pub fn end_offset(address: &str, topic: &str) -> Result<i64> {
    let mut body = Vec::new();
    body.extend((-1_i32).to_be_bytes()); // no replica
    one_partition(&mut body, topic);
    body.extend((-1_i64).to_be_bytes()); // the newest
    let answer = ask(&mut connect(address)?, LIST_OFFSETS, &body)?;
    let mut answer = Answer(&answer);
    skip_to_partition(&mut answer)?;
    check(answer.i16()?, "list offsets")?;
    answer.i64()?;
    answer.i64()
}

fn create(stream: &mut TcpStream, topic: &str) -> Result<()> {
    let mut body = Vec::new();
    length(&mut body, 1);
    text(&mut body, topic);
    body.extend(1_i32.to_be_bytes()); // partitions
    body.extend(1_i16.to_be_bytes()); // replicas
    length(&mut body, 0); // assignments
    length(&mut body, 0); // settings
    body.extend(BROKER_LIMIT_MS.to_be_bytes());
    body.push(0); // not only to see whether it could be
    let answer = ask(stream, CREATE_TOPICS, &body)?;
    let mut answer = Answer(&answer);
    answer.i32()?; // throttle
    answer.i32()?; // one topic
    answer.text()?;
    match answer.i16()? {
        TOPIC_ALREADY_EXISTS => Ok(()),
        error => check(error, "create a topic"),
    }
}

fn ask(stream: &mut TcpStream, (key, version): (i16, i16), body: &[u8]) -> Result<Vec<u8>> {
    let mut request = Vec::new();
    request.extend(key.to_be_bytes());
    request.extend(version.to_be_bytes());
    request.extend(1_i32.to_be_bytes()); // correlation
    text(&mut request, "ringside-services");
    request.extend(body);
    let mut frame = Vec::new();
    length(&mut frame, request.len());
    frame.extend(request);
    stream.write_all(&frame)?;
    let size = Answer(&read(stream, 4)?).i32()?;
    let mut answer = read(stream, size.into())?;
    Ok(answer.split_off(answer.len().min(4)))
}

fn length(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend(i32::try_from(length).unwrap_or(0).to_be_bytes());
}

/// The opening of lists with one topic that has one partition, number 0.
fn one_partition(body: &mut Vec<u8>, topic: &str) {
    length(body, 1);
    text(body, topic);
    length(body, 1);
    body.extend(0_i32.to_be_bytes());
}

/// The same in an answer.
fn skip_to_partition(answer: &mut Answer<'_>) -> Result<()> {
    answer.i32()?;
    answer.text()?;
    answer.i32()?;
    answer.i32().map(drop)
}

fn check(error: i16, what: &str) -> Result<()> {
    match error {
        0 => Ok(()),
        error => Err(Error::other(format!("cannot {what}: Kafka's error {error}"))),
    }
}

/// A batch (format 2) of one small record.
fn batch() -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let now = i64::try_from(now).unwrap_or(i64::MAX).to_be_bytes();
    let mut summed = Vec::new();
    summed.extend(0_i16.to_be_bytes()); // attributes
    summed.extend(0_i32.to_be_bytes()); // offset of the last record, from the first
    summed.extend(now);
    summed.extend(now);
    summed.extend((-1_i64).to_be_bytes()); // no idempotent producer
    summed.extend((-1_i16).to_be_bytes());
    summed.extend((-1_i32).to_be_bytes());
    summed.extend(1_i32.to_be_bytes()); // records
    // Length 11; attributes, time and offset 0; no key; 5 bytes of value; no headers. Numbers are zigzag.
    summed.extend([22, 0, 0, 0, 1, 10]);
    summed.extend(b"ready\0");
    let mut rest = Vec::new();
    rest.extend((-1_i32).to_be_bytes()); // epoch of the leader
    rest.push(2); // format
    rest.extend(crc(&summed).to_be_bytes());
    rest.extend(summed);
    let mut batch = Vec::new();
    batch.extend(0_i64.to_be_bytes()); // offset of the first record
    length(&mut batch, rest.len());
    batch.extend(rest);
    batch
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| {
                if crc & 1 == 1 { crc >> 1 ^ CRC_POLYNOMIAL } else { crc >> 1 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // RFC 3720, B.4.
        assert_eq!(crc(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc(b"123456789"), 0xE306_9283);
    }
}
