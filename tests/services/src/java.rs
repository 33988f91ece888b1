//! The JDK that Kafka, MirrorMaker and Cassandra run on, and class-data archives, which halve their start.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cache::{Cache, Jars, on_path};
use crate::error::OnFile;
use crate::{Error, Folder, Result, Server};

/// Cassandra 5.0 starts on 11 and 17 only; Kafka 4 needs 17 or newer.
const VERSION: &str = "17";
const NO_JAVA: &str = "a JDK 17 (Cassandra 5.0 starts on no newer one): on Debian or Ubuntu \
     `apt-get install openjdk-17-jdk-headless`, on macOS `brew install openjdk@17`; one that is not on the PATH is \
     found by JAVA_HOME";
/// Where distributions keep JDKs beside the one on the PATH.
const FOLDERS: [&str; 2] = ["/usr/lib/jvm", "/Library/Java/JavaVirtualMachines"];
/// Writing an archive at the end of a JVM takes 1 to 3 s on a quiet machine.
const ARCHIVE_LIMIT: Duration = Duration::from_secs(90);
/// Quick to start, small: what these servers do in tests needs no second compiler and no second thread to collect.
const OPTIONS: [&str; 3] = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms64m"];

/// A JDK.
#[derive(Debug, Clone)]
pub(crate) struct Java {
    program: PathBuf,
    /// The whole version: an archive is good for one JDK only.
    version: String,
}

/// The first JDK 17 of `JAVA_HOME`, the PATH, and the usual folders.
pub(crate) fn find() -> Result<Java> {
    let home = std::env::var_os("JAVA_HOME").map(PathBuf::from);
    let elsewhere = FOLDERS.iter().flat_map(|folder| {
        let homes = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        homes.flat_map(|home| [home.join("Contents/Home"), home])
    });
    let programs = home.into_iter().chain(elsewhere).map(|home| home.join("bin/java"));
    on_path("java")
        .into_iter()
        .chain(programs)
        .find_map(|program| {
            let version = version_of(&program).filter(|version| is_ours(version))?;
            Some(Java { program, version })
        })
        .ok_or_else(|| Error::Missing(NO_JAVA.into()))
}

fn is_ours(version: &str) -> bool {
    version.split(['.', '+', '-', '_']).next() == Some(VERSION)
}

/// The quoted version in the first line of `java -version`.
fn version_of(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("-version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(text.split('"').nth(1)?.to_owned())
}

/// A program on jars.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    pub(crate) jars: &'static Jars,
    /// The class with `main`. Also the archive's name: two programs on the same jars use other classes.
    pub(crate) main: &'static str,
    pub(crate) options: &'static [&'static str],
}

/// What becomes of the class-data archive in one life of a JVM.
#[derive(Debug, Clone)]
pub(crate) enum Archive {
    Use(PathBuf),
    /// Written when it is told to end.
    Make(PathBuf),
}

impl Java {
    /// The JDK's folder.
    pub(crate) fn home(&self) -> PathBuf {
        let program = std::fs::canonicalize(&self.program).unwrap_or_else(|_| self.program.clone());
        program.ancestors().nth(2).map_or_else(|| program.clone(), Path::to_owned)
    }

    /// The words with which `program` is started; its own come after them.
    pub(crate) fn command(
        &self,
        cache: &Cache,
        program: &Program,
        archive: &Archive,
    ) -> Result<Vec<OsString>> {
        let mut archive_option = OsString::from(match archive {
            Archive::Use(_) => "-XX:SharedArchiveFile=",
            Archive::Make(_) => "-XX:ArchiveClassesAtExit=",
        });
        let (Archive::Use(path) | Archive::Make(path)) = archive;
        archive_option.push(path);
        let mut class_path = OsString::new();
        for jar in cache.jars(program.jars)? {
            if !class_path.is_empty() {
                class_path.push(":");
            }
            class_path.push(jar);
        }
        let mut words = vec![self.program.clone().into()];
        words.extend(OPTIONS.iter().chain(program.options).map(OsString::from));
        words.extend([archive_option, "-cp".into(), class_path]);
        Ok(words)
    }

    /// The archive of `program`. Where it is not there, it is made first: by one whole life of the server, which
    /// `live` starts in a folder that goes away.
    pub(crate) fn archive(
        &self,
        cache: &Cache,
        program: &Program,
        live: impl FnOnce(&Folder, &Archive) -> Result<Server>,
    ) -> Result<Archive> {
        let path = cache.of(program.jars.name).join(format!("{}-{}.jsa", program.main, self.version));
        cache.jars(program.jars)?;
        if !path.exists() {
            let _lock = cache.lock(&format!("{}-{}", program.jars.name, program.main))?;
            if !path.exists() {
                let part = path.with_extension("part");
                let folder = Folder::temporary_with(cache.clone())?;
                live(&folder, &Archive::Make(part.clone()))?.terminate(ARCHIVE_LIMIT)?;
                std::fs::rename(&part, &path).on_file("find the class-data archive", &part)?;
            }
        }
        Ok(Archive::Use(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_version_17_is_taken() {
        for (version, ours) in [
            ("17.0.15", true),
            ("17", true),
            ("17-ea", true),
            ("1.8.0_392", false),
            ("21.0.2", false),
            ("170", false),
        ] {
            assert_eq!(is_ours(version), ours, "{version}");
        }
    }
}
