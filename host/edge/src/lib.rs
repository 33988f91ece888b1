//! Viewers' way in and out: listener, hub of sockets, sessions, rooms, SSE and REST.
