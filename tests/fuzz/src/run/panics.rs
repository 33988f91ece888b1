//! Panics of every thread, as the process' hook sees them: those that a runtime or a worker catches count as well.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The hook belongs to the process, so runs take turns.
static ALONE: Mutex<()> = Mutex::new(());

type Hook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Sync + Send>;

/// While it lives, panics are kept instead of printed.
pub(super) struct Watching {
    seen: Arc<Mutex<Option<String>>>,
    before: Option<Hook>,
    _alone: MutexGuard<'static, ()>,
}

impl Watching {
    pub(super) fn start() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let seen: Arc<Mutex<Option<String>>> = Arc::default();
        let before = std::panic::take_hook();
        let keep = seen.clone();
        std::panic::set_hook(Box::new(move |panic| {
            let words = panic.payload_as_str().unwrap_or("no words");
            let place =
                panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
            let thread = std::thread::current();
            let thread = thread.name().unwrap_or("unnamed");
            // The first is the cause; what follows are others who met its consequences.
            keep.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert_with(|| format!("panic at {place} (thread {thread}): {words}"));
        }));
        Self { seen, before: Some(before), _alone: alone }
    }

    /// The first panic since the last call.
    pub(super) fn take(&self) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // A hook cannot be changed while this thread panics; the process ends then anyway.
        if let Some(before) = self.before.take().filter(|_| !std::thread::panicking()) {
            std::panic::set_hook(before);
        }
    }
}
