//! The TLS guarantee with real servers.
#![cfg(test)]
#![cfg(target_os = "linux")]

mod asked;
mod attacks;
mod documented;
mod guarantee;
mod harness;
mod hosts;
mod manual;
mod ours;
mod policies;
