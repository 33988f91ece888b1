//! Connections that watch.

use std::sync::Arc;
use std::time::Instant;

use super::stats::{Stats, lock};
use super::texts;
use crate::socket::{Gone, Socket};

/// Counts what comes, until the connection ends.
pub(super) async fn count(mut socket: Socket, stats: Arc<Stats>) {
    socket.count_only();
    loop {
        if let Err(gone) = socket.read(|_| Ok(())).await {
            stats.dropped(&stats.viewers_live, &gone);
            return;
        }
    }
}

/// Reads what comes, until the connection ends: looks for the run's comments.
pub(super) async fn read(mut socket: Socket, stats: Arc<Stats>, stream: usize, viewer: u32) {
    let codec = socket.codec;
    stats.tracked(stream, |tracker| tracker.watch(viewer));
    loop {
        let read = socket.read(|payload| {
            let now = Instant::now();
            let frame = codec.decode(payload).map_err(Gone::Broken)?;
            if frame.r#type != "batch" {
                return Ok(());
            }
            stats.tracked(stream, |tracker| {
                let mut seen = lock(&stats.seen);
                if frame.left_out > 0 {
                    tracker.left_out(viewer, frame.left_out);
                }
                for event in frame.events.iter().filter(|event| event.r#type == "comment") {
                    if let Some(number) = texts::number(&event.text, stats.run) {
                        tracker.seen(viewer, number, now, &mut seen);
                    }
                    // One viewer of a stream is enough to know what is there to be liked.
                    if let Some(id) = event.id.0.filter(|_| viewer == 0) {
                        tracker.likeable(id);
                    }
                }
            });
            Ok(())
        });
        if let Err(gone) = read.await {
            stats.tracked(stream, |tracker| tracker.unwatch(viewer));
            stats.dropped(&stats.viewers_live, &gone);
            return;
        }
    }
}
