//! What callers write into paths, queries and bodies, each read with an answer that names field, value and remedy.

use std::fmt::Display;
use std::str::FromStr;

use ringside_core::error::Problem;
use ringside_edge::http::ProblemResponse;
use ringside_ports::audit::REASON_BYTES_MAX;

/// A field has an impossible value.
pub(super) fn invalid(detail: impl Into<String>) -> ProblemResponse {
    ProblemResponse::new(Problem::InvalidField, detail)
}

/// An id as the types of the core read it, whose errors say what one looks like.
pub(super) fn id<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, ProblemResponse> {
    text.parse().map_err(|error| invalid(format!("field `{field}`: {error}")))
}

/// The same, where it may be left out.
pub(super) fn optional_id<T: FromStr<Err: Display>>(
    field: &str,
    text: Option<&String>,
) -> Result<Option<T>, ProblemResponse> {
    text.map(|text| id(field, text)).transpose()
}

/// A whole number from `least` to `most`.
pub(super) fn number(field: &str, text: &str, least: u64, most: u64) -> Result<u64, ProblemResponse> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| {
        invalid(match most {
            u64::MAX => format!("field `{field}`: `{text}` is not a whole number from {least} on"),
            _ => format!("field `{field}`: `{text}` is not a whole number from {least} to {most}"),
        })
    })
}

/// A reason for the record.
pub(super) fn reason(text: &str) -> Result<&str, ProblemResponse> {
    let text = text.trim();
    if text.len() > REASON_BYTES_MAX {
        let detail = format!("field `reason` has {} bytes: at most {REASON_BYTES_MAX}", text.len());
        return Err(invalid(detail));
    }
    Ok(text)
}
