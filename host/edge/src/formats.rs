//! Wire formats by a small number, so that a slot names its own in one byte.

use std::sync::{Arc, PoisonError, RwLock};

use ringside_ports::codecs::Format;

/// Formats one process can have met; a release has two or three, so 255 are more than a process lives to see.
pub(crate) const FORMATS_MAX: usize = 255;

/// A format's number in this process.
pub(crate) type FormatId = u8;

/// All formats this process has met, in the order of meeting. A number is never given twice.
#[derive(Debug, Default)]
pub(crate) struct Formats(RwLock<Vec<Arc<Format>>>);

impl Formats {
    /// The number of a format; none once [`FORMATS_MAX`] others have been met.
    pub(crate) fn intern(&self, format: &Format) -> Option<FormatId> {
        let known = |formats: &[Arc<Format>]| formats.iter().position(|f| **f == *format);
        if let Some(at) = known(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return FormatId::try_from(at).ok();
        }
        let mut formats = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let at = known(&formats).or_else(|| {
            (formats.len() < FORMATS_MAX).then(|| {
                formats.push(Arc::new(format.clone()));
                formats.len() - 1
            })
        })?;
        FormatId::try_from(at).ok()
    }

    /// The format of a number.
    pub(crate) fn get(&self, id: FormatId) -> Option<Arc<Format>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(usize::from(id)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_keeps_its_number_and_the_256th_gets_none() {
        let formats = Formats::default();
        let named = |n: usize| Format { subprotocol: format!("f{n}").into(), text: n.is_multiple_of(2) };
        for n in 0..FORMATS_MAX {
            assert_eq!(formats.intern(&named(n)).map(usize::from), Some(n));
        }
        assert_eq!(formats.intern(&named(FORMATS_MAX)), None);
        assert_eq!(formats.intern(&named(7)), Some(7));
        assert_eq!(formats.get(7).map(|f| (*f).clone()), Some(named(7)));
    }
}
