//! Whether the functions that take secrets leak them, and how many instructions they take; asked of the real binary,
//! after the compiler.
//!
//! The binary `subject` runs one function on one secret. The tests build it with the release profile and watch it in
//! three ways:
//!
//! | test | watched by | finds |
//! |---|---|---|
//! | `memcheck` | Valgrind, to which the secrets are undefined memory | branches and addresses that depend on a secret |
//! | `traces` | single steps on the real processor | branches that depend on a secret, where Valgrind does not know the instructions (AVX-512) |
//! | `instructions` | Callgrind, and single steps | more than 2 % instructions more or less than in `baselines/` |
//!
//! Each has a control, a function that leaks and must be found. `cargo xtask baselines` writes the baselines anew.

pub mod request;
pub mod step;
pub mod subject;
pub mod tool;
