//! Tests of what viewers touch: sockets, frames, REST and SSE, through a real PoP.
