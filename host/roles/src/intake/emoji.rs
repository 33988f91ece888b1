//! Emoji for the stream: gathered for half a second, then one event a stream (R6).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringside_core::error::Problem;
use ringside_core::{EventKind, Failure, StreamId, limits, text};
use ringside_ports::Store;
use tokio_util::sync::CancellationToken;

use super::{lock, unavailable};
use crate::appender::Appender;

/// Streams whose kinds of emoji are remembered; past it all are read again from the store.
const STREAMS_MAX: usize = 10_000;

#[derive(Default)]
struct Gathered {
    counts: HashMap<StreamId, BTreeMap<String, u32>>,
    kinds: HashMap<StreamId, HashSet<String>>,
}

/// Gathers emoji.
pub(super) struct EmojiGatherer {
    gathered: Arc<Mutex<Gathered>>,
    store: Arc<dyn Store>,
}

impl EmojiGatherer {
    /// Starts the task that sends what was gathered, until `stop`, and then once more.
    pub(super) fn start(appender: Appender, store: Arc<dyn Store>, stop: CancellationToken) -> Self {
        let gathered: Arc<Mutex<Gathered>> = Arc::default();
        let shared = gathered.clone();
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(limits::EMOJI_GATHER_MS));
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                let stopped = tokio::select! {
                    () = stop.cancelled() => true,
                    _ = tick.tick() => false,
                };
                send(&shared, &appender);
                if stopped {
                    return;
                }
            }
        });
        Self { gathered, store }
    }

    /// Counts taps of one emoji.
    ///
    /// # Errors
    /// `InvalidEmoji`, `Unavailable`.
    pub(super) async fn count(&self, stream: &StreamId, emoji: String, count: u32) -> Result<(), Failure> {
        check(&emoji, count)?;
        let known = lock(&self.gathered).kinds.contains_key(stream);
        if !known {
            let totals = self.store.emoji(stream).await.map_err(|error| unavailable(&error))?;
            let mut gathered = lock(&self.gathered);
            if gathered.kinds.len() >= STREAMS_MAX {
                gathered.kinds.clear();
            }
            let kinds = totals.into_iter().map(|(emoji, _)| emoji);
            gathered.kinds.entry(stream.clone()).or_default().extend(kinds);
        }
        let mut gathered = lock(&self.gathered);
        let kinds = gathered.kinds.entry(stream.clone()).or_default();
        if !kinds.contains(&emoji) {
            if kinds.len() >= limits::EMOJI_KINDS_MAX {
                return Err(Failure::new(
                    Problem::InvalidEmoji,
                    format!("this stream counts {} kinds of emoji already: use one of them", kinds.len()),
                ));
            }
            kinds.insert(emoji.clone());
        }
        let counts = gathered.counts.entry(stream.clone()).or_default();
        let sum = counts.entry(emoji).or_insert(0);
        *sum = sum.saturating_add(count);
        Ok(())
    }
}

fn send(gathered: &Mutex<Gathered>, appender: &Appender) {
    let counts = std::mem::take(&mut lock(gathered).counts);
    for (stream, counts) in counts {
        let event = EventKind::EmojiCounted(counts.clone().into_iter().collect());
        if !appender.queue_event(&stream, event) {
            // The log is full just now: they count with the next ones.
            let mut gathered = lock(gathered);
            let again = gathered.counts.entry(stream).or_default();
            for (emoji, count) in counts {
                let sum = again.entry(emoji).or_insert(0);
                *sum = sum.saturating_add(count);
            }
        }
    }
}

/// An emoji is emoji and nothing else, or an emote's name between colons.
fn check(emoji: &str, count: u32) -> Result<(), Failure> {
    let is_emote = emoji
        .strip_prefix(':')
        .and_then(|rest| rest.strip_suffix(':'))
        .is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    let invalid = |detail: String| Err(Failure::new(Problem::InvalidEmoji, detail));
    if emoji.len() > limits::EMOJI_BYTES_MAX {
        return invalid(format!("the emoji has {} bytes, at most {}", emoji.len(), limits::EMOJI_BYTES_MAX));
    }
    if emoji.contains(char::is_whitespace) || !(is_emote || text::is_emoji_only(emoji)) {
        return invalid(format!("`{emoji}` is neither an emoji nor an emote's name such as `:wave:`"));
    }
    if count == 0 || count > limits::EMOJI_COUNT_MAX {
        return invalid(format!("count {count} is not 1 to {}", limits::EMOJI_COUNT_MAX));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_emoji_and_emotes_are_counted() {
        for (emoji, count, good) in [
            ("🎉", 1, true),
            ("👩‍💻", 50, true),
            (":wave:", 3, true),
            ("hello", 1, false),
            ("🎉 🎉", 1, false),
            ("::", 1, false),
            ("🎉", 0, false),
            ("🎉", 51, false),
            (&"🎉".repeat(13), 1, false),
        ] {
            assert_eq!(check(emoji, count).is_ok(), good, "{emoji} {count}");
        }
    }
}
