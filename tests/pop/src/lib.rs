//! Tests of a whole PoP are in `tests/`.
