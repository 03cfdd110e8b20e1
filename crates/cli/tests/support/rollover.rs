//! What the tests of `sealpost rollover` share. The store is `sealpost.db` in the site's folder.

use serde_json::Value;

#[path = "site.rs"]
mod site;

pub(crate) use site::{Site, said};

impl Site {
    pub(crate) fn new() -> Self {
        Self::of("rollover")
    }

    /// What a command that succeeds tells people.
    pub(crate) fn ok(&self, command: &str) -> String {
        let output = self.run(command);
        assert!(output.status.success(), "{command}: {}", said(&output));
        said(&output)
    }

    /// What a command that succeeds tells machines.
    pub(crate) fn json(&self, command: &str) -> Value {
        let output = self.run(&format!("{command} --json"));
        assert!(output.status.success(), "{command}: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What status tells of one subject.
    pub(crate) fn status(&self, address: &str) -> Value {
        self.json(&format!("status {address}"))["subjects"][0].clone()
    }
}
