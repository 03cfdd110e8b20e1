//! Rollover by real processes, on real databases: what is killed, stopped or cut off loses no key (invariant I3).
#![cfg(test)]
#![cfg(unix)]

mod bad_days;
mod killed;
mod lost;
mod node;
mod site;
mod takeover;
mod ten_years;
mod world;
