//! Listening: one socket a shard on the same address, between which the kernel spreads the viewers.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait to be accepted, as the kernel's own bound is 4,096.
const BACKLOG: i32 = 4_096;
/// Unsent bytes of a socket above which it counts as full. A viewer that stalls then holds 27 KB of kernel memory,
/// not 127 (measured).
const NOTSENT_LOWAT: u32 = 16 << 10;
/// Sent bytes that stay unacknowledged this long end the connection: the viewer is gone.
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Listens on an address with one socket for each shard. Options are set on the listeners: accepted sockets have
/// them from there without a call each.
///
/// # Errors
/// When the address cannot be listened on.
pub fn bind(address: SocketAddr, shards: usize) -> io::Result<Vec<TcpListener>> {
    let mut address = address;
    let mut listeners = Vec::with_capacity(shards);
    for _ in 0..shards.max(1) {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_tcp_notsent_lowat(NOTSENT_LOWAT)?;
        socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        // Port 0 takes a free one; the other shards take the same.
        address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(listeners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_sockets_have_the_options_of_their_listener() {
        let listeners = bind("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let client = std::net::TcpStream::connect(listeners[0].local_addr().unwrap()).unwrap();
        listeners[0].set_nonblocking(false).unwrap();
        let accepted = Socket::from(listeners[0].accept().unwrap().0);
        assert!(accepted.tcp_nodelay().unwrap());
        assert_eq!(accepted.tcp_notsent_lowat().unwrap(), NOTSENT_LOWAT);
        assert_eq!(accepted.tcp_user_timeout().unwrap(), Some(USER_TIMEOUT));
        drop(client);
    }

    #[test]
    fn all_shards_listen_on_one_port() {
        let listeners = bind("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        let ports: Vec<u16> = listeners.iter().map(|l| l.local_addr().unwrap().port()).collect();
        assert!(ports.len() == 3 && ports.iter().all(|port| *port == ports[0] && *port != 0), "{ports:?}");
    }
}
