//! Where users' tokens come from. This crate signs nothing: the binary knows the host's secret.

use std::fmt;
use std::sync::Arc;

/// Signs tokens for the users of a run.
pub trait TokenSource: Send + Sync {
    /// A token for this user with this name; `role` is `viewer` or `moderator`. It must outlast the run.
    fn token(&self, user: &str, name: &str, role: &str) -> String;
}

impl<F: Fn(&str, &str, &str) -> String + Send + Sync> TokenSource for F {
    fn token(&self, user: &str, name: &str, role: &str) -> String {
        self(user, name, role)
    }
}

/// A source that many tasks share.
#[derive(Clone)]
pub(crate) struct Tokens(Arc<dyn TokenSource>);

impl Tokens {
    pub(crate) fn new(source: impl TokenSource + 'static) -> Self {
        Self(Arc::new(source))
    }

    pub(crate) fn of(&self, user: &str, name: &str, role: &str) -> String {
        self.0.token(user, name, role)
    }
}

impl fmt::Debug for Tokens {
    /// Never a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}
