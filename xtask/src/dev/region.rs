//! `cargo xtask dev --region`: a region's processes on this machine, on real services.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::console::{Steps, seconds};
use crate::context::Context;
use crate::failure::{Failure, OnFile, Result};
use crate::pop::{Pop, Role};
use crate::prerequisites::{Need, check};
use crate::suites::BUILD_RINGSIDE;
use crate::{components, services, web};

use super::{POLL, is_free, start, stop, stop_flag, tail_of, wait_until_ready};

/// The processes: name, roles, viewers' and operators' address. The first is the one that links lead to.
const PROCESSES: [(&str, &str, &str, &str); 5] = [
    ("host-1", "host", "127.0.0.1:8080", "127.0.0.1:8081"),
    ("host-2", "host", "127.0.0.1:8090", "127.0.0.1:8091"),
    ("coordinator", "coordinator", "127.0.0.1:8100", "127.0.0.1:8101"),
    ("writer", "writer,reconciler", "127.0.0.1:8110", "127.0.0.1:8111"),
    ("judge", "judge", "127.0.0.1:8120", "127.0.0.1:8121"),
];

/// A process that runs.
struct Member {
    name: &'static str,
    pop: Pop,
    child: Child,
}

/// Ends the processes that were started, however this ends.
#[derive(Default)]
struct Members(Vec<Member>);

impl Drop for Members {
    fn drop(&mut self) {
        // Hosts first: their viewers are served until they are gone.
        for member in &mut self.0 {
            stop(&mut member.child);
        }
    }
}

/// The verb: returns when the region's processes have stopped. The services go on until `services down`.
pub(crate) fn verb(context: &Context, pop: &Pop) -> Result<()> {
    let folder = context.places.root.join(".ringside/region");
    let mut steps = Steps::new(&context.console, 7);
    steps.run("look for what this machine must have", || {
        check(context, &[Need::C, Need::Node, Need::GuestTarget, Need::Services])?;
        for (_, roles, public, operators) in PROCESSES {
            if roles == "host" {
                is_free("of a host", public)?;
            }
            is_free("of operators", operators)?;
        }
        Ok(())
    })?;
    steps.run("build the components", || components::bundle(context))?;
    steps.run("build the page", || web::bundle(context))?;
    steps.run("build ringside", || {
        context.run().to_success("build", &mut context.cargo(BUILD_RINGSIDE.iter().copied()))
    })?;
    let asked_to_stop = stop_flag()?;
    let file = steps.run("start Kafka, Redis, Cassandra and PostgreSQL, or find them", || {
        let addresses = services::for_region(context)?;
        std::fs::create_dir_all(&folder).on_file("create", &folder)?;
        let file = folder.join("region.yaml");
        std::fs::write(&file, addresses.region_file()).on_file("write", &file)?;
        Ok(file)
    })?;
    steps.run("make topics and tables", || context.run().to_success("migrate", &mut pop.migrate(&file)))?;
    let members = steps.run("start the region's processes and wait until they are ready", || {
        start_all(context, pop, &folder, &file, &asked_to_stop)
    })?;
    greet(context, &members, &file, &seconds(steps.elapsed()))?;
    wait(members, &asked_to_stop)?;
    context.console.say("stopped; the services go on until `cargo xtask services down`");
    Ok(())
}

fn start_all(
    context: &Context,
    pop: &Pop,
    folder: &Path,
    file: &Path,
    asked_to_stop: &AtomicBool,
) -> Result<Members> {
    let secret = secret(folder)?;
    let compiled = folder.join("compiled");
    let mut members = Members::default();
    for (name, roles, public, operators) in PROCESSES {
        let pop = pop.beside(folder.join(name), public.into(), operators.into());
        let child = start(pop.serve_in(file, roles, name, &secret, &compiled), &pop.data)?;
        members.0.push(Member { name, pop, child });
        let Some(member) = members.0.last_mut() else { continue };
        // One after the other: the first compiles the components for all.
        wait_until_ready(&mut member.child, operators, asked_to_stop).map_err(|why| {
            let log = member.pop.data.join("server.log");
            Failure::Checked(format!("{name}: {why}\n{}\nthe whole log: {}", tail_of(&log), log.display()))
        })?;
        context.console.say(format_args!("      {name} is ready"));
    }
    Ok(members)
}

/// The secret of all processes, so that a token of one is a token of all.
fn secret(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("secret");
    if !path.exists() {
        let mut bytes = [0_u8; 32];
        let mut random = std::fs::File::open("/dev/urandom").on_file("read", Path::new("/dev/urandom"))?;
        std::io::Read::read_exact(&mut random, &mut bytes).on_file("read", Path::new("/dev/urandom"))?;
        let mut text = String::new();
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        std::fs::write(&path, text).on_file("write", &path)?;
    }
    Ok(path)
}

fn greet(context: &Context, members: &Members, file: &Path, took: &str) -> Result<()> {
    let [first, second, ..] = members.0.as_slice() else { return Ok(()) };
    let token = |pop: &Pop, role| pop.token_with(role, &file.with_file_name("secret"));
    let viewer = first.pop.link(&token(&first.pop, Role::Viewer)?);
    let moderator = second.pop.link(&token(&second.pop, Role::Moderator)?);
    let ids: Vec<String> =
        members.0.iter().map(|member| format!("{} {}", member.name, member.child.id())).collect();
    context.console.say(format_args!(
        "\n\
         A region runs (ready after {took}).\n\n\
         as a viewer on host-1:    {viewer}\n\
         as a moderator on host-2: {moderator}\n\n\
         Try next:\n\
         1. Open both links: what is said on one host is on the other.\n\
         2. Kill a part, and go on: `kill -9` of {ids}; or of a service: its id is in\n\
         \x20     cargo xtask services status\n\
         3. Look at it: {file}\n\n\
         Logs: {logs}/*/server.log. Ctrl-C stops the processes, `cargo xtask services down` the services.",
        ids = ids.join(", "),
        file = file.display(),
        logs = file.parent().unwrap_or(file).display(),
    ));
    Ok(())
}

/// Returns when the user asks to stop. A process that ends by itself is told of, and the others go on: to see that is
/// what a region is tried for.
fn wait(mut members: Members, asked_to_stop: &AtomicBool) -> Result<()> {
    let mut gone = Vec::new();
    while !asked_to_stop.load(Ordering::Relaxed) {
        for member in &mut members.0 {
            if let Ok(Some(status)) = member.child.try_wait()
                && !gone.contains(&member.name)
            {
                eprintln!("{} ended ({status}), the others go on", member.name);
                gone.push(member.name);
            }
        }
        if gone.len() == members.0.len() {
            return Err(Failure::Checked("every process ended by itself; their logs say why".into()));
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}
