//! The chores of the workspace: `cargo xtask test`, `fuzz`, `bench`, `baselines` and `docs`.

#![forbid(unsafe_code)]

mod peers;
mod shell;
mod steps;

use std::env;
use std::process::ExitCode;

const USAGE: &str = "\
The chores of the workspace.

  cargo xtask test                 install the peers that are missing, then check, build and test all
  cargo xtask fuzz [--seconds N]   run each fuzz target for N seconds (60)
  cargo xtask bench [NAME]         measure, beside others in the same run; takes minutes
  cargo xtask baselines            write down anew how many instructions things take
  cargo xtask docs                 build the documentation
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Chore {
    Test,
    Fuzz { seconds: u32 },
    Bench { name: Option<String> },
    Baselines,
    Docs,
}

impl Chore {
    /// `None` if `arguments` (without the program's name) name no chore.
    fn parse(arguments: &[&str]) -> Option<Self> {
        match arguments {
            ["test"] => Some(Self::Test),
            ["fuzz"] => Some(Self::Fuzz { seconds: 60 }),
            // libFuzzer takes 0 for "without end".
            ["fuzz", "--seconds", seconds] => {
                seconds.parse().ok().filter(|&seconds| seconds > 0).map(|seconds| Self::Fuzz { seconds })
            }
            ["bench"] => Some(Self::Bench { name: None }),
            ["bench", name] => Some(Self::Bench { name: Some((*name).to_owned()) }),
            ["baselines"] => Some(Self::Baselines),
            ["docs"] => Some(Self::Docs),
            _ => None,
        }
    }

    fn run(&self) -> shell::Result {
        match self {
            Self::Test => steps::test(),
            Self::Fuzz { seconds } => steps::fuzz(*seconds),
            Self::Bench { name } => steps::bench(name.as_deref()),
            Self::Baselines => steps::baselines(),
            Self::Docs => steps::docs(),
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args_os().skip(1).map(|argument| argument.to_string_lossy().into()).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some(chore) = Chore::parse(&arguments) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    match chore.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Chore;

    #[test]
    fn the_command_line() {
        assert_eq!(Chore::parse(&["test"]), Some(Chore::Test));
        assert_eq!(Chore::parse(&["docs"]), Some(Chore::Docs));
        assert_eq!(Chore::parse(&["fuzz"]), Some(Chore::Fuzz { seconds: 60 }));
        assert_eq!(Chore::parse(&["fuzz", "--seconds", "5"]), Some(Chore::Fuzz { seconds: 5 }));
        assert_eq!(Chore::parse(&["bench"]), Some(Chore::Bench { name: None }));
        assert_eq!(Chore::parse(&["bench", "fanout"]), Some(Chore::Bench { name: Some("fanout".to_owned()) }));
        assert_eq!(Chore::parse(&["baselines"]), Some(Chore::Baselines));
        for wrong in [&[][..], &["tset"], &["test", "x"], &["fuzz", "--seconds"], &["fuzz", "--seconds", "0"]] {
            assert_eq!(Chore::parse(wrong), None);
        }
    }
}
