//! The proxy for faults of the network.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use common::eventually;
use ringside_services::Proxy;

/// Sends back what it gets, on every connection.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || std::io::copy(&mut stream.try_clone().unwrap(), &mut stream));
        }
    });
    address
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

fn answer(stream: &mut TcpStream, count: usize) -> String {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn bytes_pass_in_both_directions_and_in_their_order() {
    let proxy = Proxy::start(&echo()).unwrap();
    let mut stream = connect(&proxy);
    let sent: String = (0..100_000).map(|number| format!("{number:06}")).collect();
    let mut writer = stream.try_clone().unwrap();
    let bytes = sent.clone();
    let thread = std::thread::spawn(move || writer.write_all(bytes.as_bytes()).unwrap());
    assert!(answer(&mut stream, sent.len()) == sent);
    thread.join().unwrap();
    drop(stream);
    eventually("the connection's end is noticed", || proxy.connections() == 0);
}

#[test]
fn delayed_bytes_come_no_sooner_than_the_delay_of_both_directions() {
    let proxy = Proxy::start(&echo()).unwrap();
    let mut stream = connect(&proxy);
    proxy.delay(Duration::from_millis(100));
    let began = Instant::now();
    stream.write_all(b"ab").unwrap();
    assert_eq!(answer(&mut stream, 2), "ab");
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_black_hole_takes_connections_and_lets_through_what_it_swallowed_when_it_passes_again() {
    let proxy = Proxy::start(&echo()).unwrap();
    proxy.black_hole();
    let mut stream = connect(&proxy);
    stream.write_all(b"ab").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(stream.read_exact(&mut [0; 2]).is_err(), "nothing comes out of a black hole");
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    proxy.pass();
    assert_eq!(answer(&mut stream, 2), "ab");
}

#[test]
fn a_cut_closes_what_is_open_and_what_is_opened_until_it_passes_again() {
    let proxy = Proxy::start(&echo()).unwrap();
    let mut stream = connect(&proxy);
    stream.write_all(b"ab").unwrap();
    assert_eq!(answer(&mut stream, 2), "ab");
    proxy.cut();
    for mut stream in [stream, connect(&proxy)] {
        assert!(matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_)));
    }
    proxy.pass();
    let mut stream = connect(&proxy);
    stream.write_all(b"cd").unwrap();
    assert_eq!(answer(&mut stream, 2), "cd");
}

#[test]
fn a_proxy_aims_at_another_target_for_new_connections() {
    let proxy = Proxy::start("127.0.0.1:9").unwrap();
    assert!(matches!(connect(&proxy).read(&mut [0; 1]), Ok(0) | Err(_)), "nobody listens there");
    proxy.aim(&echo());
    let mut stream = connect(&proxy);
    stream.write_all(b"ab").unwrap();
    assert_eq!(answer(&mut stream, 2), "ab");
}
