//! Numbers as PostgreSQL keeps them: it has no unsigned ones.

/// Past 9.2 × 10¹⁸ all are one: as milliseconds that is the year 292,278,994.
pub(crate) fn kept(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What [`kept`] kept.
pub(crate) fn read(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
