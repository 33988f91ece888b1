//! Whether one user may do one thing now.

use ringside_throttle::{Activity, Admission, Request, Role, Settings};

use crate::Config;

/// The limits of [`Config`] are per minute; the host may count within another window.
const MINUTE_MS: u64 = 60_000;

/// Decides on one request: the stream's settings first, since waiting does not help against them,
/// then slow mode and limits, of which the longer wait counts.
pub(crate) fn decide(config: &Config, settings: &Settings, request: &Request) -> Admission {
    let role = request.role;
    if role == Role::Anonymous {
        return Admission::Refuse("sign in to take part".into());
    }
    let moderates = matches!(role, Role::Moderator | Role::Operator);
    let writes = matches!(request.activity, Activity::Comment | Activity::Reply | Activity::Edit);
    if writes && !moderates {
        if settings.closed {
            return Admission::Refuse("the chat is closed".into());
        }
        if settings.members_only && !request.member {
            return Admission::Refuse("only members may comment on this stream".into());
        }
    }
    if moderates && config.moderators_exempt {
        return Admission::Admit;
    }
    match slow_mode_wait_ms(settings, request).max(limit_wait_ms(config, request)) {
        0 => Admission::Admit,
        wait_ms => Admission::Wait(wait_ms),
    }
}

/// Milliseconds until the user is below the limit again; 0 when they are now.
fn limit_wait_ms(config: &Config, request: &Request) -> u32 {
    let per_minute = match request.activity {
        Activity::Comment | Activity::Reply => config.comments_per_minute,
        Activity::Edit => config.edits_per_minute,
        Activity::Reaction => config.reactions_per_minute,
        Activity::Emoji => config.emoji_per_minute,
    };
    if per_minute == 0 {
        return 0;
    }
    let in_window = (u64::from(per_minute) * u64::from(request.window_ms)).div_ceil(MINUTE_MS);
    if u64::from(request.count_in_window) < in_window.max(1) {
        return 0;
    }
    // The oldest leaves the window first, and makes room for one. A window that it has left already
    // would have counted one less; then the clock ticked in between, and the next try passes.
    request.window_ms.saturating_sub(request.oldest_age_ms).max(1)
}

/// Slow mode is about comments; it does not slow edits and reactions.
fn slow_mode_wait_ms(settings: &Settings, request: &Request) -> u32 {
    if !matches!(request.activity, Activity::Comment | Activity::Reply) {
        return 0;
    }
    let between_ms = settings.slow_mode_s.saturating_mul(1_000);
    request.since_last_ms.map_or(0, |since_ms| between_ms.saturating_sub(since_ms))
}

#[cfg(test)]
mod tests;
