//! A node as a process: what it says, and what is done to it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use crate::site::Site;

/// Longer than a node is silent that works.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Node {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Node {
    pub(crate) fn start(site: &Site, name: &str, options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollover-node"));
        command.arg(site.store()).arg(site.folder()).arg(name).args(options);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, said: Vec::new() }
    }

    /// The next line with one of these texts in it.
    pub(crate) fn wait_for(&mut self, texts: &[&str]) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.said.push(line);
                    let line = self.said.last().unwrap();
                    if texts.iter().any(|text| line.contains(text)) {
                        return line.clone();
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {texts:?} but {}", self.said.join("\n")),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("it ended ({:?}) without {texts:?}: {}", self.child.wait(), self.said.join("\n"))
                }
            }
        }
    }

    /// Passes over what it said so far.
    pub(crate) fn skip(&mut self) {
        self.said.extend(self.lines.try_iter());
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.said.extend(self.lines.iter());
        std::mem::take(&mut self.said)
    }

    /// Sends the signal with that name.
    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(done.unwrap().success());
    }

    /// Waits until it ends by itself; all that it said.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.said.extend(self.lines.iter());
        assert!(self.child.wait().unwrap().success(), "{}", self.said.join("\n"));
        std::mem::take(&mut self.said)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
