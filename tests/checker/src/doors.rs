//! Where hosts are: a host that is started again may be at another address.

use std::sync::{Arc, Mutex, PoisonError};

/// Addresses of hosts, as everybody finds them. Clones share them.
#[derive(Debug, Clone)]
pub struct Doors(Arc<Mutex<Vec<String>>>);

impl Doors {
    /// Hosts at these `host:port`.
    #[must_use]
    pub fn new(addresses: Vec<String>) -> Self {
        Self(Arc::new(Mutex::new(addresses)))
    }

    /// Host `number`, from 0, is at another address from now on.
    pub fn moved(&self, number: usize, address: &str) {
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(number) {
            address.clone_into(known);
        }
    }

    /// How many hosts there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Address of a host; numbers past the last begin at the first again.
    pub(crate) fn at(&self, number: usize) -> String {
        let doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doors.get(number % doors.len().max(1)).cloned().unwrap_or_default()
    }
}
