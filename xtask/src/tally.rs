//! Reads how many tests passed out of what a test runner printed.

use std::fmt;
use std::ops::AddAssign;

/// Counts of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The plain closing line.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

impl Tally {
    /// What a closing line says, `None` where `line` is none. Knows cargo's runner, Node's, Vitest's and Playwright's.
    pub(crate) fn of_line(line: &str) -> Option<Self> {
        let line = line.trim();
        if let Some(counts) = line.strip_prefix("test result: ") {
            let (_, counts) = counts.split_once(". ")?;
            return Self::of_pairs(counts.split("; "));
        }
        if let Some(counts) = line.strip_prefix("Tests ") {
            let counts = counts.split('(').next().unwrap_or(counts);
            return Self::of_pairs(counts.split('|'));
        }
        if let Some(count) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
            let (word, count) = count.split_once(' ')?;
            return Self::of(word, count.parse().ok()?);
        }
        // Playwright gives each count a line: `3 passed (1.2s)`.
        let (count, word) = line.split_once(' ')?;
        let word = word.split(" (").next().unwrap_or(word);
        Self::of(word, count.parse().ok()?)
    }

    fn of_pairs<'p>(pairs: impl Iterator<Item = &'p str>) -> Option<Self> {
        let mut sum = None;
        for pair in pairs {
            if let Some((count, word)) = pair.trim().split_once(' ')
                && let Some(one) = count.parse().ok().and_then(|count| Self::of(word, count))
            {
                *sum.get_or_insert_with(Self::default) += one;
            }
        }
        sum
    }

    fn of(word: &str, count: u64) -> Option<Self> {
        let none = Self::default();
        match word.trim() {
            // A flaky test failed and passed when tried again.
            "passed" | "pass" | "flaky" => Some(Self { passed: count, ..none }),
            "failed" | "fail" | "cancelled" | "interrupted" | "did not run" => {
                Some(Self { failed: count, ..none })
            }
            "skipped" | "ignored" | "todo" => Some(Self { skipped: count, ..none }),
            _ => None,
        }
    }

    pub(crate) fn executed(self) -> u64 {
        self.passed + self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_runners_closing_lines_are_read() {
        let tally = |passed, failed, skipped| Some(Tally { passed, failed, skipped });
        for (line, read) in [
            (
                "test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 3 filtered out; finished in 0.01s",
                tally(12, 0, 2),
            ),
            (
                "test result: FAILED. 1 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out",
                tally(1, 4, 0),
            ),
            ("ℹ pass 7", tally(7, 0, 0)),
            ("# fail 2", tally(0, 2, 0)),
            ("# cancelled 1", tally(0, 1, 0)),
            ("ℹ skipped 3", tally(0, 0, 3)),
            ("ℹ tests 12", None),
            ("ℹ duration_ms 33.5", None),
            ("      Tests  5 passed (5)", tally(5, 0, 0)),
            ("      Tests  1 failed | 4 passed | 2 skipped (7)", tally(4, 1, 2)),
            (" Test Files  2 passed (2)", None),
            ("  3 passed (5.1s)", tally(3, 0, 0)),
            ("  1 flaky", tally(1, 0, 0)),
            ("  2 did not run", tally(0, 2, 0)),
            ("3 passed, 0 failed", None),
            ("running 3 tests", None),
            ("", None),
        ] {
            assert_eq!(Tally::of_line(line), read, "{line:?}");
        }
    }

    #[test]
    fn the_closing_line_is_plain_and_names_skipped_tests_only_when_there_are_some() {
        assert_eq!(Tally { passed: 3, failed: 0, skipped: 0 }.to_string(), "3 passed, 0 failed");
        assert_eq!(Tally { passed: 3, failed: 1, skipped: 2 }.to_string(), "3 passed, 1 failed, 2 skipped");
    }
}
