//! The laws of the engine, over worlds at random with up to four hosts; and for each law engines that break it, which
//! it catches.
#![cfg(test)]

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, TestCaseError, TestRunner},
};

mod engine;
mod explained;
mod laws;
mod mutants;
mod steps;
mod world;

use engine::{Engine, Real};
use laws::{LAWS, Law};
use world::worlds;

/// How many worlds the real engine is shown.
const WORLDS: u32 = 4_000;
/// In how many worlds a mutant must be caught.
const CAUGHT_WITHIN: u32 = 10_000;

#[test]
fn the_engine_keeps_all_laws() {
    let mut runner = TestRunner::new(Config { cases: WORLDS, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&worlds(), |world| {
        let broken =
            LAWS.into_iter().find_map(|(name, law)| law(&Real, &world).err().map(|why| format!("{name}: {why}")));
        broken.map_or(Ok(()), |why| Err(TestCaseError::fail(why)))
    });
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
}

#[test]
fn each_law_catches_who_breaks_it() {
    let mutants = mutants::all();
    for (name, _) in LAWS {
        assert!(mutants.iter().any(|mutant| mutant.law == name), "nobody breaks {name}");
    }
    for mutant in &mutants {
        let (_, law) = LAWS.into_iter().find(|(name, _)| *name == mutant.law).unwrap();
        let caught = caught(law, mutant);
        println!("{:>4} {:<60} {}", mutant.law, mutant.name, caught.map_or("-".into(), |world| world.to_string()));
        assert!(caught.is_some(), "{} does not see: {}", mutant.law, mutant.name);
    }
}

/// In which world the law fails for the first time, where the real engine keeps it. The worlds are the same at each run.
fn caught(law: Law, engine: &dyn Engine) -> Option<u32> {
    let mut runner = TestRunner::deterministic();
    let worlds = worlds();
    (1..=CAUGHT_WITHIN).find(|_| {
        let world = worlds.new_tree(&mut runner).unwrap().current();
        law(&Real, &world).is_ok() && law(engine, &world).is_err()
    })
}
