//! Running a program instruction by instruction, on the real processor (ptrace(2)).
//!
//! It knows all instructions that the processor knows, and no noise changes what it counts. A step takes microseconds,
//! in virtual machines tens of them.

use std::{
    error::Error,
    io,
    process::{Child, Command},
};

use nix::{
    sched::{CpuSet, sched_getcpu, sched_setaffinity},
    sys::{
        ptrace,
        signal::{Signal, raise},
        wait::{WaitStatus, waitpid},
    },
    unistd::Pid,
};

use crate::subject::Run;

/// A program that stops at an unforeseen place, or a system that forbids to watch it.
pub type Result<T> = core::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Where the program was at each of its instructions between two marks, [`LIMIT`] of them at most.
pub type Trace = Vec<u64>;

/// How many instructions of a call are stepped through; the rest runs unseen.
pub const LIMIT: usize = 1 << 19;

/// The program's side: lets the parent watch.
///
/// # Errors
///
/// If the system forbids it.
pub fn watch_me() -> io::Result<()> {
    Ok(ptrace::traceme()?)
}

/// The program's side: runs what is watched between two marks. Not inlined, so that every trace has the same places.
///
/// # Errors
///
/// If the system forbids it.
#[inline(never)]
pub fn marked(run: Run) -> io::Result<Vec<u8>> {
    raise(Signal::SIGSTOP)?;
    let result = run();
    raise(Signal::SIGSTOP)?;
    Ok(result)
}

/// Runs a program that calls [`watch_me`] and then [`marked`], and gives the trace of each of these calls.
///
/// # Errors
///
/// If the program fails, or the system forbids to watch it.
///
/// The calling thread stays on one processor from then on.
pub fn traces(program: &mut Command) -> Result<Vec<Trace>> {
    stay()?;
    let mut child = program.spawn()?;
    let traces = watch(&child);
    if traces.is_err() {
        child.kill()?;
        child.wait()?;
    }
    traces
}

fn watch(child: &Child) -> Result<Vec<Trace>> {
    let pid = Pid::from_raw(child.id().try_into()?);
    let mut traces = Vec::new();
    loop {
        match waitpid(pid, None)? {
            WaitStatus::Stopped(_, Signal::SIGSTOP) => traces.push(trace(pid)?),
            WaitStatus::Exited(_, 0) => return Ok(traces),
            status => return Err(format!("the program: {status:?}").into()),
        }
        ptrace::cont(pid, None)?;
    }
}

/// Steps up to the next mark, or to the limit and then runs on to the mark.
fn trace(pid: Pid) -> Result<Trace> {
    let mut trace = Trace::new();
    loop {
        if trace.len() < LIMIT {
            trace.push(ptrace::getregs(pid)?.rip);
            ptrace::step(pid, None)?;
        } else {
            ptrace::cont(pid, None)?;
        }
        match waitpid(pid, None)? {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => (),
            WaitStatus::Stopped(_, Signal::SIGSTOP) => return Ok(trace),
            status => return Err(format!("the program: {status:?}").into()),
        }
    }
}

/// Keeps this thread and its children on one processor: two would wait for each other at each step.
fn stay() -> Result<()> {
    let mut here = CpuSet::new();
    here.set(sched_getcpu()?)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &here)?)
}
