//! Compiling components to machine code, in a process of its own.
//!
//! Compiling in the serving process takes the 99.9th percentile of judging from 80 µs to 4 ms (measured), and a
//! hostile file may take all memory. So a host compiles in a child process of low priority; tests and the
//! operator's command line, which serve nobody, compile where they are.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::engine::compiling_engine;
use crate::limits;

/// Who compiles.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// This process.
    InProcess,
    /// A child: `exe args... INPUT OUTPUT`, which must call [`compile_file`].
    Process {
        /// The program, such as this one's own path.
        exe: PathBuf,
        /// What stands before the two paths, such as `compile-component`.
        args: Vec<OsString>,
    },
}

/// Why there is no machine code.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CompileError {
    #[error("the component cannot be compiled: {0}")]
    Refused(String),
    #[error("compiling took longer than {} s: make the component smaller", limits::COMPILE_TIME_MAX.as_secs())]
    TooSlow,
    #[error("cannot run the compiler {exe}: {source}")]
    Start { exe: String, source: std::io::Error },
    #[error("cannot {action} {path}: {source}")]
    File { action: &'static str, path: String, source: std::io::Error },
}

/// The priority of a compiling process, as `nice` counts.
const NICENESS: i32 = 10;
/// How often a compiling process is looked after.
const POLL: Duration = Duration::from_millis(5);
/// Bytes of a compiling process' error output that are kept.
const MESSAGE_BYTES_MAX: u64 = 4_096;

impl Compiler {
    /// Compiles the component in `input` and writes its machine code to `output`.
    ///
    /// # Errors
    /// [`CompileError`]; `output` may then be there in part.
    pub(crate) fn compile(&self, input: &Path, output: &Path) -> Result<(), CompileError> {
        match self {
            Self::InProcess => compile(input, output),
            Self::Process { exe, args } => {
                let mut child = Command::new(exe)
                    .args(args)
                    .arg(input)
                    .arg(output)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    .spawn()
                    .map_err(|source| CompileError::Start { exe: exe.display().to_string(), source })?;
                wait(&mut child)
                    .map_err(|source| CompileError::Start { exe: exe.display().to_string(), source })?
            }
        }
    }
}

fn wait(child: &mut Child) -> std::io::Result<Result<(), CompileError>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            if status.success() {
                return Ok(Ok(()));
            }
            let mut message = String::new();
            if let Some(stderr) = child.stderr.take() {
                stderr.take(MESSAGE_BYTES_MAX).read_to_string(&mut message).unwrap_or(0);
            }
            let message = message.trim();
            let message = if message.is_empty() { status.to_string() } else { message.to_owned() };
            return Ok(Err(CompileError::Refused(message)));
        }
        if begun.elapsed() > limits::COMPILE_TIME_MAX {
            child.kill()?;
            child.wait()?;
            return Ok(Err(CompileError::TooSlow));
        }
        std::thread::sleep(POLL);
    }
}

/// What the compiling process does: lowers its own priority, limits its own memory, compiles `input` to `output`.
/// Meant for a process that does nothing else.
///
/// # Errors
/// [`CompileError`] names the file or what is wrong with the component.
pub fn compile_file(input: &Path, output: &Path) -> Result<(), CompileError> {
    // A process that may not do so is merely less considerate.
    let _ = rustix::process::nice(NICENESS);
    let bound = Some(limits::COMPILE_MEMORY_BYTES_MAX);
    let limit = rustix::process::Rlimit { current: bound, maximum: bound };
    let _ = rustix::process::setrlimit(rustix::process::Resource::As, limit);
    compile(input, output)
}

fn compile(input: &Path, output: &Path) -> Result<(), CompileError> {
    let file = |action, path: &Path| {
        let path = path.display().to_string();
        move |source| CompileError::File { action, path, source }
    };
    let component = std::fs::read(input).map_err(file("read", input))?;
    let refused = |error: wasmtime::Error| CompileError::Refused(format!("{error:#}"));
    let code = compiling_engine().and_then(|engine| engine.precompile_component(&component));
    std::fs::write(output, code.map_err(refused)?).map_err(file("write", output))
}
