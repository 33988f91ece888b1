//! What the tests share: a PoP on loopback, a client written from the protocol page, waits with a bound.
