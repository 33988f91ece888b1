//! Machine code: made by a process of its own, kept, and made anew when it is damaged.
//!
//! This program is its own compiling process, as the binary `ringside` is: so it has no test harness.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails so"
)]

mod common;

use std::collections::HashMap;
use std::path::Path;

use common::component;
use ringside_ports::releases::{Release, Slot, World};
use ringside_wasm::{Compiler, ComponentHost, HostOptions, Metrics, compile_file, digest_of};

const VERB: &str = "compile-component";

fn main() {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if let [verb, input, output] = arguments.as_slice()
        && verb == VERB
    {
        if let Err(error) = compile_file(Path::new(input), Path::new(output)) {
            eprintln!("{error}");
            std::process::exit(1);
        }
        return;
    }
    for (name, test) in [
        ("a_component_is_compiled_by_a_child_and_its_code_kept", kept as fn()),
        ("damaged_or_foreign_code_is_made_anew", damaged),
        ("what_the_compiler_says_against_a_component_is_told", refused),
    ] {
        test();
        println!("test {name} ... ok");
    }
    println!("3 passed, 0 failed");
}

fn host(folder: &Path, compiler: Compiler) -> ComponentHost {
    let options = HostOptions { workers: 1, ..HostOptions::new(folder, compiler) };
    ComponentHost::start(&options, &Metrics::default()).unwrap()
}

fn child() -> Compiler {
    Compiler::Process { exe: std::env::current_exe().unwrap(), args: vec![VERB.into()] }
}

/// A compiler that cannot work: whoever needs none, has none.
fn nobody() -> Compiler {
    Compiler::Process { exe: "/nonexistent/compiler".into(), args: Vec::new() }
}

fn files_in(folder: &Path, extension: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

fn release() -> (Release, HashMap<ringside_ports::releases::Digest, bytes::Bytes>) {
    let file = component("throttle-standard");
    let component = digest_of(&file);
    let slot = Slot {
        name: "throttle".into(),
        world: World::Throttle,
        component: component.clone(),
        config: String::new(),
        on_failure: ringside_ports::releases::OnFailure::Hold,
    };
    let release = Release { number: 1, slots: vec![slot], at_ms: 0, by: "test".into(), note: String::new() };
    (release, HashMap::from([(component, file)]))
}

fn prepare(host: &ComponentHost, with_files: bool) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (release, files) = release();
    let files = if with_files { files } else { HashMap::new() };
    runtime.block_on(host.prepare(&release, &files)).map(|_| ()).map_err(|error| error.to_string())
}

fn kept() {
    let folder = tempfile::tempdir().unwrap();
    {
        let host = host(folder.path(), child());
        assert_eq!(host.missing(&release().0).len(), 1);
        prepare(&host, true).unwrap();
        assert!(host.missing(&release().0).is_empty());
        assert_eq!(files_in(folder.path(), "cwasm").len(), 1);
        assert!(files_in(folder.path(), "tmp").is_empty());
    }
    // A second start needs neither file nor compiler.
    prepare(&host(folder.path(), nobody()), false).unwrap();
}

fn damaged() {
    let folder = tempfile::tempdir().unwrap();
    prepare(&host(folder.path(), child()), true).unwrap();
    let code = files_in(folder.path(), "cwasm").remove(0);
    let sum = files_in(folder.path(), "sha256").remove(0);
    let whole = std::fs::read(&code).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let other = b"machine code of another wasmtime".to_vec();
    let sum_of = |bytes: &[u8]| digest_of(bytes).0;
    for (name, damage) in [
        ("a flipped bit", (flipped, sum_of(&whole))),
        ("a torn write", (whole[..whole.len() / 2].to_vec(), sum_of(&whole))),
        ("an empty file", (Vec::new(), sum_of(&whole))),
        ("a sum that is no sum", (whole.clone(), "hello".into())),
        ("code that wasmtime refuses", (other.clone(), sum_of(&other))),
    ] {
        std::fs::write(&code, &damage.0).unwrap();
        std::fs::write(&sum, &damage.1).unwrap();
        prepare(&host(folder.path(), child()), true).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(std::fs::read(&code).unwrap(), whole, "{name}: made anew");
        std::fs::write(&code, &damage.0).unwrap();
        std::fs::write(&sum, &damage.1).unwrap();
        let error = prepare(&host(folder.path(), child()), false).unwrap_err();
        assert!(error.contains("neither compiled here nor given"), "{name}: {error}");
    }
    std::fs::remove_file(&sum).unwrap();
    std::fs::write(&code, &whole).unwrap();
    prepare(&host(folder.path(), child()), true).unwrap();
    assert!(sum.exists(), "code without a sum is made anew");
}

fn refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = prepare(&host(folder.path(), nobody()), true).unwrap_err();
    assert!(error.contains("cannot run the compiler /nonexistent/compiler"), "{error}");
    let input = folder.path().join("not.wasm");
    std::fs::write(&input, b"not a component").unwrap();
    // In a process of its own: it limits itself.
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let output = child.arg(VERB).arg(&input).arg(folder.path().join("out")).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("cannot be compiled"), "{error}");
    assert!(files_in(folder.path(), "cwasm").is_empty(), "nothing is kept of what failed");
}
