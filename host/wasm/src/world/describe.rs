//! What a component says about itself, and what is asked of that.

use crate::limits;

/// What a component says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
}

impl Description {
    /// Checks name, version and summary, which go into metrics, paths of commands and screens.
    ///
    /// # Errors
    /// Names the part and what it must be.
    pub(crate) fn check(&self) -> Result<(), String> {
        let name_fits = (1..=64).contains(&self.name.len())
            && self.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !name_fits {
            let name: String = self.name.chars().take(80).collect();
            return Err(format!("its name `{name}` must have 1 to 64 of the letters a-z 0-9 and `-`"));
        }
        if !is_version(&self.version) {
            let version: String = self.version.chars().take(80).collect();
            return Err(format!("its version `{version}` must be a semantic version such as 1.2.0"));
        }
        if self.summary.len() > limits::DESCRIPTION_BYTES_MAX {
            let max = limits::DESCRIPTION_BYTES_MAX;
            return Err(format!(
                "its summary has {} bytes: one sentence of at most {max}",
                self.summary.len()
            ));
        }
        Ok(())
    }
}

/// `MAJOR.MINOR.PATCH`, with what may follow after `-` or `+`.
fn is_version(text: &str) -> bool {
    let (core, rest) = text.find(['-', '+']).map_or((text, ""), |at| text.split_at(at));
    let mut parts = 0;
    let numbers = core.split('.').all(|part| {
        parts += 1;
        (1..=9).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    });
    let rest_fits = rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+.".contains(&b));
    numbers && parts == 3 && rest_fits && rest.len() != 1 && text.len() <= 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_checked() {
        let describe = |name: &str, version: &str| {
            Description { name: name.into(), version: version.into(), summary: String::new() }.check()
        };
        for (name, version) in [("words", "1.2.0"), ("codec-json", "0.1.0-rc.1"), ("x9", "10.0.0+build")] {
            assert_eq!(describe(name, version), Ok(()));
        }
        for (name, version) in [
            ("", "1.2.0"),
            ("Words", "1.2.0"),
            ("wörter", "1.2.0"),
            ("words", "1.2"),
            ("words", "1.2.x"),
            ("words", "1.2.0-"),
            ("words", "1.2.0 beta"),
            ("words", ""),
        ] {
            assert!(describe(name, version).is_err(), "{name} {version}");
        }
    }
}
