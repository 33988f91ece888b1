//! Making a finding shorter, for whoever must understand it.

use std::time::{Duration, Instant};

/// Longest time for shortening: the finding is there already.
const TIME_MAX: Duration = Duration::from_secs(5);

/// The shortest input found that fails at the same place. `fails` says with what an input fails; `mend` repairs what
/// a piece that is gone has broken, such as a checksum.
pub(super) fn shrink(
    input: &[u8],
    what: &str,
    mut fails: impl FnMut(&[u8]) -> Option<String>,
    mut mend: impl FnMut(&mut Vec<u8>),
) -> Vec<u8> {
    let began = Instant::now();
    let mut best = input.to_vec();
    let mut size = best.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < best.len() {
            if began.elapsed() > TIME_MAX {
                return best;
            }
            let end = (at + size).min(best.len());
            let shorter = [&best[..at], &best[end..]].concat();
            let mut mended = shorter.clone();
            mend(&mut mended);
            let same = |input: &Vec<u8>| {
                input.len() < best.len() && fails(input).is_some_and(|other| place(&other) == place(what))
            };
            match [shorter, mended].into_iter().find(same) {
                Some(found) => best = found,
                None => at = end,
            }
        }
        size /= 2;
    }
    best
}

/// Where it panicked: the words may quote the input.
fn place(what: &str) -> &str {
    what.split(" (thread").next().unwrap_or(what)
}
