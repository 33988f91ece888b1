//! A stream's settings on the wire.

use crate::{Fields, Settings, Sink, key};

/// Writes all settings; none is ever left out.
pub(crate) fn fields<S: Sink>(fields: &mut Fields<'_, S>, settings: &Settings) {
    fields.uint(key!("slow_mode_s"), settings.slow_mode_s.into());
    fields.bool(key!("members_only"), settings.members_only);
    fields.bool(key!("emoji_only"), settings.emoji_only);
    fields.bool(key!("links_allowed"), settings.links_allowed);
    fields.bool(key!("hold_for_review"), settings.hold_for_review);
    fields.bool(key!("closed"), settings.closed);
    fields.bool(key!("anonymous_read"), settings.anonymous_read);
    fields.texts(key!("blocked_terms"), &settings.blocked_terms);
}
