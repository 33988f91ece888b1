//! Times as recordings write them. Only the differences between them matter, so what has no zone is taken as UTC
//! and what has no year as of one year.

/// When something was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Milliseconds since 1970, or since midnight.
    pub(crate) ms: i64,
    /// It is a time of day: the day is not known.
    pub(crate) of_day: bool,
    /// Things said within so many milliseconds bear the same stamp.
    pub(crate) resolution_ms: u32,
}

pub(crate) const DAY_MS: i64 = 86_400_000;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/// A leap year, for stamps without one.
const SOME_YEAR: i64 = 2000;

impl Stamp {
    /// Reads a text that is a time and nothing else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(number) = text.parse::<f64>() {
            return Self::of_number(number);
        }
        let (stamp, rest) = Self::take(text)?;
        matches!(rest.trim(), "" | "UTC" | "GMT").then_some(stamp)
    }

    /// A number: seconds, milliseconds or microseconds, told apart by its size. Seconds may count from the start of
    /// a video as well as from 1970.
    #[allow(clippy::cast_possible_truncation, reason = "bounded just before")]
    pub(crate) fn of_number(number: f64) -> Option<Self> {
        let (ms, resolution_ms) = match number.abs() {
            // Later than the year 5000 in seconds, so it is milliseconds; and so on.
            size if !size.is_finite() || size >= 1e17 => return None,
            size if size >= 1e14 => (number / 1e3, 1),
            size if size >= 1e11 => (number, 1),
            _ => (number * 1e3, if number.fract() == 0.0 { 1_000 } else { 1 }),
        };
        Some(Self { ms: ms.round() as i64, of_day: false, resolution_ms })
    }

    /// Takes a time from the beginning of a text; gives what follows it.
    pub(crate) fn take(text: &str) -> Option<(Self, &str)> {
        let mut at = Scan(text);
        let date = at.date().or_else(|| {
            at = Scan(text);
            at.month_and_day()
        });
        if date.is_none() {
            at = Scan(text);
        } else if !(at.sign('T') || at.sign('t') || at.sign(' ')) {
            return None;
        }
        let (mut ms, resolution_ms) = at.time_of_day()?;
        if let Some(days) = date {
            ms += days * DAY_MS - at.zone_ms();
        }
        Some((Self { ms, of_day: date.is_none(), resolution_ms }, at.0))
    }
}

/// Reads a text from its beginning.
struct Scan<'t>(&'t str);

impl Scan<'_> {
    fn sign(&mut self, sign: char) -> bool {
        let rest = self.0.strip_prefix(sign);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// A number of `from` to `to` digits; the digits after those are not part of it.
    fn number(&mut self, from: usize, to: usize) -> Option<i64> {
        let digits = self.0.bytes().take(to).take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        if digits < from { None } else { number.parse().ok() }
    }

    /// `2024-01-31` or `2024/01/31`, as days since 1970.
    fn date(&mut self) -> Option<i64> {
        let year = self.number(4, 4)?;
        let separator = if self.sign('-') { '-' } else { '/' };
        if separator == '/' && !self.sign('/') {
            return None;
        }
        let month = self.number(2, 2)?;
        let day = self.sign(separator).then(|| self.number(2, 2))??;
        days(year, month, day)
    }

    /// `Jan 31` or `Jan  1`, as days since 1970 in some year.
    fn month_and_day(&mut self) -> Option<i64> {
        let (name, rest) = self.0.split_at_checked(3)?;
        let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
        self.0 = rest.strip_prefix(' ')?.trim_start_matches(' ');
        let day = self.number(1, 2)?;
        days(SOME_YEAR, i64::try_from(month).ok()? + 1, day)
    }

    /// `12:34`, `12:34:56` or `12:34:56.789`, as milliseconds since midnight and their resolution.
    fn time_of_day(&mut self) -> Option<(i64, u32)> {
        let hours = self.number(1, 2).filter(|hours| *hours < 24)?;
        let minutes = self.sign(':').then(|| self.number(2, 2))??;
        if minutes > 59 {
            return None;
        }
        let ms = (hours * 60 + minutes) * 60_000;
        if !self.sign(':') {
            return Some((ms, 60_000));
        }
        // 60 is a leap second.
        let seconds = self.number(2, 2).filter(|seconds| *seconds <= 60)?;
        let ms = ms + seconds * 1_000;
        if !(self.sign('.') || self.sign(',')) {
            return Some((ms, 1_000));
        }
        let before = self.0.len();
        let fraction = self.number(1, 3)?;
        let scale = [100, 10, 1].get(before - self.0.len() - 1).copied().unwrap_or(1);
        self.0 = self.0.trim_start_matches(|c: char| c.is_ascii_digit());
        Some((ms + fraction * scale, 1))
    }

    /// `Z`, `+02:00`, `+0200` or nothing, as milliseconds ahead of UTC.
    fn zone_ms(&mut self) -> i64 {
        let before = self.0;
        if self.sign('Z') || self.sign('z') {
            return 0;
        }
        let sign = if self.sign('+') { 1 } else { -1 };
        if sign == 1 || self.sign('-') {
            let hours = self.number(2, 2);
            self.sign(':');
            if let (Some(hours), Some(minutes)) = (hours, self.number(2, 2)) {
                return sign * (hours * 60 + minutes) * 60_000;
            }
        }
        self.0 = before;
        0
    }
}

/// Days since 1970 of a date of the Gregorian calendar, by the method of Howard Hinnant's `days_from_civil`: years
/// begin in March, so that the leap day is their last.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<(i64, bool, u32)> {
        Stamp::parse(text).map(|stamp| (stamp.ms, stamp.of_day, stamp.resolution_ms))
    }

    #[test]
    fn times_are_read_as_recordings_write_them() {
        let new_year = 1_704_067_200_000;
        for (text, expected) in [
            ("2024-01-01T00:00:00Z", Some((new_year, false, 1_000))),
            ("2024-01-01 00:00:00", Some((new_year, false, 1_000))),
            ("2024/01/01 00:00:00 UTC", Some((new_year, false, 1_000))),
            ("2024-01-01T00:00", Some((new_year, false, 60_000))),
            ("2024-01-01T02:00:00.25+02:00", Some((new_year + 250, false, 1))),
            ("2023-12-31T23:30:00-0030", Some((new_year, false, 1_000))),
            ("2024-01-01T00:00:00.123456Z", Some((new_year + 123, false, 1))),
            ("1970-01-01 00:00:01", Some((1_000, false, 1_000))),
            ("2000-02-29 00:00:00", Some((951_782_400_000, false, 1_000))),
            ("Feb 29 00:00:01", Some((951_782_401_000, false, 1_000))),
            ("Jan  1 00:00:00", Some((946_684_800_000, false, 1_000))),
            ("12:34", Some((45_240_000, true, 60_000))),
            ("1:02:03", Some((3_723_000, true, 1_000))),
            ("00:00:00.5", Some((500, true, 1))),
            ("1704067200", Some((new_year, false, 1_000))),
            ("1704067200.5", Some((new_year + 500, false, 1))),
            ("1704067200123", Some((new_year + 123, false, 1))),
            ("1704067200123456", Some((new_year + 123, false, 1))),
            ("17", Some((17_000, false, 1_000))),
            ("", None),
            ("yesterday", None),
            ("24:00", None),
            ("12:60", None),
            ("2024-13-01 00:00:00", None),
            ("2024-01-01", None),
            ("12:34 and more", None),
            ("NaN", None),
            ("1e300", None),
            ("Feb", None),
            ("éé 1 00:00", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_follows_a_time_is_left() {
        for (text, rest) in
            [("12:34 <a> b", " <a> b"), ("2024-01-01T00:00:00Z\ta\tb", "\ta\tb"), ("12:34:56] x", "] x")]
        {
            assert_eq!(Stamp::take(text).unwrap().1, rest);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = Stamp::parse(&text);
        }

        #[test]
        fn digits_and_signs_in_any_order_do_not_make_it_panic(text in "[0-9:./TZ+ -]{0,30}") {
            let _ = Stamp::parse(&text);
            let _ = Stamp::take(&text);
        }
    }
}
