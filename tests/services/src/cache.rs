//! What is fetched once for all clones: jars by Maven, a Redis and a PostgreSQL where the machine has none.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::OnFile;
use crate::process::tail;
use crate::{Error, Result, java, postgres, redis};

/// Maven's goal that copies dependencies into a folder.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
const LOG_LINES_MAX: usize = 30;

/// Jars that belong together, pinned.
#[derive(Debug)]
pub(crate) struct Jars {
    /// Name and version: the folder in the cache.
    pub(crate) name: &'static str,
    /// Group, artefact, version.
    pub(crate) artefacts: &'static [(&'static str, &'static str, &'static str)],
}

/// The folder of what is fetched, below the cache of everything that is built.
#[derive(Debug, Clone)]
pub struct Cache(PathBuf);

impl Cache {
    /// As `cargo xtask` finds it: `$RINGSIDE_CACHE`, else `ringside` in `$XDG_CACHE_HOME` or `~/.cache`.
    pub fn find() -> Result<Self> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        set("RINGSIDE_CACHE")
            .or_else(|| set("XDG_CACHE_HOME").map(|caches| caches.join("ringside")))
            .or_else(|| set("HOME").map(|home| home.join(".cache/ringside")))
            .map(|cache| Self::at(&cache))
            .ok_or_else(|| Error::Usage("no cache folder: set RINGSIDE_CACHE (HOME is not set)".into()))
    }

    /// Below a cache folder that the caller knows.
    pub fn at(cache: &Path) -> Self {
        Self(cache.join("services"))
    }

    pub(crate) fn of(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Gives `file` of the folder `name`; where it is not there, `fetch` is called on a new folder to make it in, alone
    /// on this machine. What breaks off leaves nothing behind that looks whole.
    pub(crate) fn fetch(
        &self,
        name: &str,
        file: &str,
        fetch: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let folder = self.of(name);
        let wanted = folder.join(file);
        if wanted.exists() {
            return Ok(wanted);
        }
        let _lock = self.lock(name)?;
        if wanted.exists() {
            return Ok(wanted);
        }
        let part = self.of(&format!("{name}.part"));
        let _ = fs::remove_dir_all(&part);
        fs::create_dir_all(&part).on_file("create", &part)?;
        fetch(&part)?;
        let _ = fs::remove_dir_all(&folder);
        fs::rename(&part, &folder).on_file("move into place", &folder)?;
        Ok(wanted)
    }

    /// Held while something is made in the cache; freed when dropped, also when this process is killed.
    pub(crate) fn lock(&self, name: &str) -> Result<File> {
        fs::create_dir_all(&self.0).on_file("create", &self.0)?;
        let path = self.of(&format!("{name}.lock"));
        let file = File::create(&path).on_file("create", &path)?;
        file.lock().on_file("lock", &path)?;
        Ok(file)
    }

    /// The jars, sorted: a class-data archive is used with the same list only.
    pub(crate) fn jars(&self, jars: &Jars) -> Result<Vec<PathBuf>> {
        let lib = self.fetch(jars.name, "lib", |folder| maven(jars, folder))?;
        jars_in(&lib)
    }

    fn has(&self, name: &str) -> bool {
        self.of(name).is_dir()
    }
}

pub(crate) fn jars_in(lib: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(lib).on_file("list", lib)?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.extension().is_some_and(|end| end == "jar"));
    found.sort();
    Ok(found)
}

/// What this machine lacks for all services, each with the way to get it; empty where nothing is missing.
pub fn missing(cache: &Cache) -> Vec<String> {
    let mut missing: Vec<String> = java::find().err().map(|error| error.to_string()).into_iter().collect();
    let fetched = [crate::kafka::JARS.name, crate::cassandra::JARS.name];
    let all_there = fetched.iter().all(|name| cache.has(name)) && postgres::is_there(cache);
    if !all_there && on_path("mvn").is_none() {
        missing.push(NO_MAVEN.into());
    }
    if !redis::is_there(cache) && on_path("python3").is_none() {
        missing.push(redis::NO_REDIS.into());
    }
    missing
}

const NO_MAVEN: &str = "Maven (`mvn`), which fetches services for tests: on Debian or Ubuntu `apt-get install maven`, \
     on macOS `brew install maven`";

/// Fetches the jars into `folder/lib`.
pub(crate) fn maven(jars: &Jars, folder: &Path) -> Result<()> {
    let pom = folder.join("pom.xml");
    fs::write(&pom, pom_of(jars)).on_file("write", &pom)?;
    let mvn = on_path("mvn").ok_or_else(|| Error::Missing(NO_MAVEN.into()))?;
    let mut command = Command::new(mvn);
    command.args(["-B", "-q", COPY, "-DincludeScope=runtime"]);
    command.arg(format!("-DoutputDirectory={}", folder.join("lib").display()));
    if let Ok(java) = java::find() {
        command.env("JAVA_HOME", java.home());
    }
    to_success(command.current_dir(folder), folder)
}

fn pom_of(jars: &Jars) -> String {
    let dependencies: String = jars
        .artefacts
        .iter()
        .map(|(group, artefact, version)| {
            format!(
                "    <dependency><groupId>{group}</groupId><artifactId>{artefact}</artifactId>\
                 <version>{version}</version></dependency>\n"
            )
        })
        .collect();
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <modelVersion>4.0.0</modelVersion>\n  \
         <groupId>ringside</groupId><artifactId>services</artifactId><version>1</version>\
         <packaging>pom</packaging>\n  <dependencies>\n{dependencies}  </dependencies>\n</project>\n"
    )
}

/// Runs a program to its end, with a log in `folder`; the error has the last lines that it printed.
pub(crate) fn to_success(command: &mut Command, folder: &Path) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let log = folder.join("fetch.log");
    let out = File::create(&log).on_file("write", &log)?;
    let errors = out.try_clone().on_file("write", &log)?;
    let status = command.stdin(Stdio::null()).stdout(out).stderr(errors).status();
    let status = status.map_err(|source| Error::Process { action: "start", name: name.clone(), source })?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Service { name, why: format!("failed ({status})"), tail: tail(&log, LOG_LINES_MAX), log })
}

/// The program of this name that a shell would start.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_fetched_again_and_what_broke_off_is() {
        let root = std::env::temp_dir().join(format!("ringside-cache-{}", std::process::id()));
        let cache = Cache::at(&root);
        let broken = cache.fetch("thing", "file", |folder| {
            fs::write(folder.join("file"), "half").unwrap();
            Err(Error::Usage("broke off".into()))
        });
        assert!(broken.is_err() && !cache.of("thing").exists());
        for content in ["whole", "again"] {
            let file = cache
                .fetch("thing", "file", |folder| {
                    fs::write(folder.join("file"), content).on_file("write", folder)
                })
                .unwrap();
            assert_eq!(fs::read_to_string(file).unwrap(), "whole");
        }
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn every_artefact_stands_in_the_pom_with_its_version() {
        let jars = Jars { name: "a-1", artefacts: &[("g", "a", "1"), ("h", "b", "2")] };
        let pom = pom_of(&jars);
        assert_eq!(pom.matches("<dependency>").count(), 2);
        assert!(pom.contains("<artifactId>b</artifactId><version>2</version>"), "{pom}");
    }
}
