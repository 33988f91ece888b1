//! A PoP of the real program, in a folder of its own, on free ports.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::rest::Rest;
use crate::wait::{WAIT_MAX, eventually};

/// How a PoP is started.
#[derive(Debug, Clone, Default)]
pub struct PopOptions {
    /// `--set` assignments beside the usual ones.
    pub set: Vec<String>,
    /// Another folder of components; the built ones otherwise.
    pub bundle: Option<PathBuf>,
    /// Another program; the one under test otherwise.
    pub program: Option<PathBuf>,
    /// Environment variables beside this process's own.
    pub environment: Vec<(String, String)>,
}

/// A running PoP. Dropping it kills the process and removes its folder.
pub struct Pop {
    child: Child,
    folder: TempDir,
    options: PopOptions,
    public: String,
    operators: String,
}

/// The program under test: `RINGSIDE_BIN`, or the one beside this test's own program.
pub fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("RINGSIDE_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let beside = test.parent().and_then(Path::parent).unwrap().join("ringside");
    assert!(
        beside.exists(),
        "{} is missing: `cargo xtask test` builds it, or set RINGSIDE_BIN",
        beside.display()
    );
    beside
}

/// The folder with `components/` and `web/`: `RINGSIDE_BUNDLE`.
pub fn bundle() -> PathBuf {
    let path = std::env::var_os("RINGSIDE_BUNDLE")
        .expect("RINGSIDE_BUNDLE is not set: `cargo xtask test` sets it, `cargo xtask components` builds what it names");
    path.into()
}

/// A folder of guests that `cargo xtask components --hostile` built: `RINGSIDE_HOSTILE`.
pub fn hostile() -> PathBuf {
    let path = std::env::var_os("RINGSIDE_HOSTILE")
        .expect("RINGSIDE_HOSTILE is not set: `cargo xtask test` sets it, `cargo xtask components --hostile` builds it");
    path.into()
}

impl Default for Pop {
    fn default() -> Self {
        Self::start()
    }
}

impl Pop {
    /// Starts a PoP with the built components, streams that begin by themselves, and waits until it is ready.
    #[must_use]
    pub fn start() -> Self {
        Self::with(PopOptions::default())
    }

    /// Starts a PoP.
    #[must_use]
    pub fn with(options: PopOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let compiled = folder.path().join("data/compiled");
        // A host compiles the components on a new folder, which takes seconds of both processors: once is enough.
        copy_new(&compiled_by_others(), &compiled);
        let (child, lines) = spawn(&folder, &options);
        let (public, operators) = ready(&lines).unwrap_or_else(|why| panic!("{why}"));
        copy_new(&compiled, &compiled_by_others());
        Self { child, folder, options, public, operators }
    }

    /// Kills the process with SIGKILL and starts another on the same folder (and new ports).
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// Kills the process with SIGKILL.
    pub fn kill(&mut self) {
        // A process that ended already is no failure here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts another process on the same folder (and new ports).
    pub fn restart(&mut self) {
        self.try_restart().unwrap_or_else(|why| panic!("{why}"));
    }

    /// The same where it may not become ready: a service that it needs may be away.
    ///
    /// # Errors
    /// Its last lines.
    pub fn try_restart(&mut self) -> Result<(), String> {
        let (child, lines) = spawn(&self.folder, &self.options);
        self.child = child;
        (self.public, self.operators) = ready(&lines).inspect_err(|_| self.kill())?;
        Ok(())
    }

    /// Asks the process to end (SIGTERM) and waits until it has; its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.ask_to_end();
        eventually("the PoP to end after SIGTERM", || self.child.try_wait().unwrap()).code()
    }

    /// Asks the process to end (SIGTERM) and does not wait.
    pub fn ask_to_end(&self) {
        self.signal("-TERM");
    }

    /// Stops the process where it is (SIGSTOP): it hangs, as one does that finds no time or no memory.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets a stopped process go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `host:port` for viewers.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.public
    }

    /// The WebSocket's address.
    #[must_use]
    pub fn connect_url(&self) -> String {
        format!("ws://{}/v1/connect", self.public)
    }

    /// REST without a token.
    #[must_use]
    pub fn rest(&self) -> Rest {
        Rest::new(format!("http://{}", self.public), None)
    }

    /// Waits until a comment is in the newest page: the store follows the log at its own pace, and pages the store.
    pub fn wait_for_page(&self, stream: &str, comment: &str) {
        let path = format!("/v1/streams/{stream}/comments?page_size=200");
        let rest = self.rest_as("waits-for-pages", "moderator");
        crate::eventually("the comment to be in the newest page", || {
            rest.get(&path).expect(200).text.contains(comment).then_some(())
        });
    }

    /// REST as a user of a role.
    #[must_use]
    pub fn rest_as(&self, user: &str, role: &str) -> Rest {
        Rest::new(format!("http://{}", self.public), Some(self.token(user, role)))
    }

    /// The operators' address as an operator.
    #[must_use]
    pub fn operator(&self) -> Rest {
        Rest::new(format!("http://{}", self.operators), Some(self.token("olga", "operator")))
    }

    /// The operators' address with another token, or none.
    #[must_use]
    pub fn operators_with(&self, token: Option<String>) -> Rest {
        Rest::new(format!("http://{}", self.operators), token)
    }

    /// A token of this PoP.
    #[must_use]
    pub fn token(&self, user: &str, role: &str) -> String {
        self.token_with(&["--user", user, "--role", role])
    }

    /// A token of this PoP, from the arguments of `ringside token`.
    #[must_use]
    pub fn token_with(&self, arguments: &[&str]) -> String {
        // A secret that several processes share is not in the data folder.
        let auth = self.options.set.iter().filter(|set| set.starts_with("auth."));
        let set = auth.flat_map(|set| ["--set", set]);
        let output =
            self.run(&["token"].into_iter().chain(arguments.iter().copied()).chain(set).collect::<Vec<_>>());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Runs a verb of the program with this PoP's data, operators' address and an operator's token at hand.
    pub fn run(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .env("RINGSIDE_DATA", self.data())
            .env("RINGSIDE_OPERATORS", format!("http://{}", self.operators));
        if arguments.first() != Some(&"token") {
            command.env("RINGSIDE_TOKEN", self.token("olga", "operator"));
        }
        command.output().unwrap()
    }
}

impl Drop for Pop {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Machine code that earlier tests' hosts made of the components; by digest, so nothing in it is ever out of date.
fn compiled_by_others() -> PathBuf {
    bundle().with_file_name("compiled-by-tests")
}

/// Copies the files that are missing; other tests may do the same at this moment.
fn copy_new(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700)).unwrap();
    let Ok(files) = std::fs::read_dir(from) else { return };
    for file in files.map_while(Result::ok) {
        let target = to.join(file.file_name());
        if !target.exists() {
            let part = tempfile::NamedTempFile::new_in(to).unwrap();
            // Gone again where its host was replacing it: then it is compiled anew, as it would be without this.
            if std::fs::copy(file.path(), part.path()).is_ok() {
                part.persist(target).unwrap();
            }
        }
    }
}

fn spawn(folder: &TempDir, options: &PopOptions) -> (Child, Receiver<String>) {
    let mut command = Command::new(options.program.clone().unwrap_or_else(program));
    command.envs(options.environment.iter().cloned());
    command.args(["serve", "--development", "--listen", "127.0.0.1:0", "--operators", "127.0.0.1:0"]);
    command.arg("--bundle").arg(options.bundle.clone().unwrap_or_else(bundle));
    command.arg("--data").arg(folder.path().join("data"));
    command.args(["--set", "telemetry.format=json"]);
    for assignment in &options.set {
        command.args(["--set", assignment]);
    }
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if std::env::var_os("RINGSIDE_TEST_LOG").is_some() {
                eprintln!("{line}");
            }
            // Nobody reads on once the PoP is ready; the pipe is emptied all the same.
            let _ = sender.send(line);
        }
    });
    (child, lines)
}

fn ready(lines: &Receiver<String>) -> Result<(String, String), String> {
    let mut seen = Vec::new();
    loop {
        let Ok(line) = lines.recv_timeout(WAIT_MAX + Duration::from_secs(60)) else {
            return Err(format!("the PoP did not become ready; its last lines:\n{}", seen.join("\n")));
        };
        let value: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
        if value["message"] == "ready" {
            let field = |name: &str| value[name].as_str().unwrap().to_owned();
            return Ok((field("public"), field("operators")));
        }
        seen.push(line);
    }
}
