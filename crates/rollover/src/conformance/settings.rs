//! Authorities, settings, and looks at the clock.

use super::{
    Harness,
    bench::Bench,
    check::{Failed, Outcome, all, ensure, same, there},
};
use crate::{
    Error, Span, Time,
    port::{AuthorityState, Entry, KeyStore},
};

pub(super) async fn an_authority_starts_without_permits<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let found = bench.store.authority("local", bench.now, |_| ()).await?;
    same("its state", &found, &AuthorityState::new(bench.now))?;
    // Once it is there, it does not start again.
    let later = bench.store.authority("local", bench.now + Span::hours(1), |_| ()).await?;
    same("its state later", &later, &found)
}

pub(super) async fn an_authority_keeps_what_was_changed<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    for (permits, failures, ask_from) in [(7, 0, bench.now), (u32::MAX, u16::MAX, Time::NEVER), (0, 1, bench.now)] {
        let wanted = AuthorityState { permits, filled_at: bench.now, failures, ask_from };
        let change = |state: &mut AuthorityState| *state = wanted;
        same("answered", &bench.store.authority("local", bench.now, change).await?, &wanted)?;
        same("kept", &bench.store.authority("local", bench.now, |_| ()).await?, &wanted)?;
    }
    Ok(())
}

pub(super) async fn authorities_are_apart<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    for (name, permits) in [("one", 1), ("two", 2), ("Ämter", 3)] {
        bench.store.authority(name, bench.now, |state| state.permits = permits).await?;
    }
    for (name, permits) in [("one", 1), ("two", 2), ("Ämter", 3), ("One", 0)] {
        let found = bench.store.authority(name, bench.now, |_| ()).await?;
        same(name, &found.permits, &permits)?;
    }
    Ok(())
}

pub(super) async fn changes_of_an_authority_meet<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let another = bench.another().await?;
    let stores = [&bench.store, &another];
    let increment = |state: &mut AuthorityState| {
        state.permits += 1;
        state.failures += 1;
    };
    let changes = stores.iter().cycle().take(24).map(|store| store.authority("local", bench.now, increment));
    let results = all(changes.collect()).await;
    let mut seen = Vec::new();
    for result in results {
        seen.push(result?.permits);
    }
    seen.sort_unstable();
    same("each change sees the one before it", &seen, &(1..=24).collect())?;
    let found = bench.store.authority("local", bench.now, |_| ()).await?;
    same("permits and failures", &(found.permits, found.failures), &(24, 24))
}

pub(super) async fn a_setting_comes_back<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let long = "x".repeat(70_000);
    for (name, value) in
        [("policy", "one"), ("Ä \"b\" 'c'", "{\"ü\": '🗝'}"), ("policy", "two"), ("e", ""), ("l", &long)]
    {
        bench.store.set(name, value, "operator").await?;
        ensure(bench.store.setting(name).await?.as_deref() == Some(value), "a setting is another one than was set")?;
    }
    same("the first one", &bench.store.setting("policy").await?.as_deref(), &Some("two"))
}

pub(super) async fn an_unknown_setting_is_not_there<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    bench.store.set("policy", "one", "operator").await?;
    for name in ["Policy", "polic", "policy ", ""] {
        same(name, &bench.store.setting(name).await?, &None)?;
    }
    Ok(())
}

pub(super) async fn setting_is_audited_with_the_old_value<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let mut old = None;
    for new in ["one", "two", "two"] {
        bench.store.set("policy", new, "operator").await?;
        let record = there("the record", super::chain::records(&bench.store).await?.pop())?;
        let wanted = Entry::Set { name: "policy".to_owned(), old: old.replace(new.to_owned()), new: new.to_owned() };
        same("entry", &Entry::read(&record.text)?, &wanted)?;
        same("who and whose", &(record.actor.as_str(), record.subject), &("operator", None))?;
    }
    Ok(())
}

const JUMP: Span = Span::days(30);

async fn refused<H: Harness>(bench: &Bench<'_, H>, now: Time, last: Time) -> Outcome {
    match bench.store.look(now, JUMP).await {
        Err(Error::ClockJumped { now: told_now, last: told_last }) => {
            same("what is told", &(told_now, told_last), &(now, last))
        }
        other => Err(Failed::new(format!("a jump: {other:?} instead of ClockJumped"))),
    }
}

pub(super) async fn looking_forward_is_noted<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    for days in [0, 30, 31, 61] {
        bench.store.look(bench.now + Span::days(days), JUMP).await?;
    }
    refused(bench, bench.now + Span::days(92), bench.now + Span::days(61)).await
}

/// Trap T30.
pub(super) async fn a_jump_is_refused_and_not_noted<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    bench.store.look(bench.now, JUMP).await?;
    for _ in 0..2 {
        refused(bench, bench.now + JUMP + Span::seconds(1), bench.now).await?;
    }
    refused(bench, bench.now + Span::days(3_650), bench.now).await?;
    bench.store.look(bench.now + JUMP, JUMP).await?;
    // Somebody confirms it.
    bench.store.look(bench.now + Span::days(3_650), Span::days(3_650)).await?;
    Ok(bench.store.look(bench.now + Span::days(3_660), JUMP).await?)
}

/// Invariant I8.
pub(super) async fn looking_back_is_no_jump<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    bench.store.look(bench.now, JUMP).await?;
    bench.store.look(bench.now - Span::days(400), JUMP).await?;
    bench.store.look(bench.now + JUMP, JUMP).await?;
    refused(bench, bench.now + JUMP + JUMP + Span::days(1), bench.now + JUMP).await
}

pub(super) async fn time_does_not_run_back<H: Harness>(bench: &mut Bench<'_, H>) -> Outcome {
    let another = bench.another().await?;
    let mut last = Time::from_unix(0);
    for _ in 0..4 {
        for store in [&bench.store, &another] {
            let now = store.now().await?;
            ensure(now >= last, "it is earlier than at the look before")?;
            last = now;
        }
    }
    ensure(last >= bench.now - Span::hours(1), "the time of the store is earlier than before")
}
