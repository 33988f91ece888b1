//! A region whose every process is killed, stopped and slowed in turn, at a rate that an unoptimised build can do:
//! nothing lost, nothing doubled, all in order. `cargo xtask chaos` does it at full rate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests"
)]

use ringside_chaos::{Options, run};

#[test]
fn whatever_part_dies_hangs_or_is_slow_nothing_acknowledged_is_lost_doubled_or_out_of_order() {
    let report = run(&Options::default(), |step| eprintln!("{step}"));
    eprintln!("{report}");
    assert!(report.is_sound(), "see the account above");
}
