//! Programs that start slowly and then serve many mails: a command is a line, and so is its answer.

use std::{
    cell::RefCell,
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::Outcome;

/// A running program.
#[derive(Debug)]
pub(super) struct Served {
    child: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Served {
    /// Starts it; `None` if there is no such program.
    pub(super) fn start<S: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = S>) -> Option<Self> {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let pipes = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Self { child, pipes: RefCell::new(pipes) })
    }

    /// What it answers behind `ok` or `no`.
    pub(super) fn ask(&self, words: &[&str]) -> Outcome<String> {
        let (stdin, stdout) = &mut *self.pipes.borrow_mut();
        writeln!(stdin, "{}", words.join("\t")).unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        match line.trim_end().split_once(' ').unwrap_or((line.trim_end(), "")) {
            ("ok", rest) => Ok(rest.into()),
            ("no", why) => Err(why.split_whitespace().collect::<Vec<_>>().join(" ")),
            _ => panic!("{words:?}: no answer but {line:?}"),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Its input ends with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
