//! The life of one user, as text and as a picture.

#![cfg(test)]

use std::{fs, path::Path};

use sealpost_rollover::{
    Cause, Event, Happened, Layout, Policy, RevocationReason, Slot, Span, Subject, SubjectKind, SubjectState, Time,
    apply,
    simulate::{Incident, Onboarding, Simulation},
    timeline::{Doing, Timeline},
};

/// One user who comes in spring, with outages that matter.
fn simulation(policy: Policy, years: u16) -> Simulation {
    let mut simulation = Simulation::new(1, policy).years(years);
    simulation.onboarding = Onboarding::AtOnce;
    simulation
}

/// Outages of which one leaves a week too short.
fn unlucky() -> Timeline {
    let mut simulation = simulation(Policy::secumail_7d(), 4);
    let start = simulation.start;
    simulation.outages = vec![(start + Span::days(356), Span::days(11)), (start + Span::days(800), Span::days(20))];
    simulation.timeline("A mailbox under secumail-7d")
}

fn revoked() -> Timeline {
    let mut simulation = simulation(Policy::safe(), 3);
    simulation.layout = Layout::Split;
    let (start, announced) = (simulation.start, simulation.start + Span::days(100));
    let by = announced + Span::days(5);
    simulation.incidents = vec![Incident::new("withdrawn", (start, announced), announced, by)];
    simulation.outages = vec![(announced - Span::days(1), Span::days(20))];
    simulation.timeline("Signing & encrypting <keys>, revoked in \"spring\"")
}

fn all() -> [(&'static str, Timeline); 3] {
    let ten = simulation(Policy::safe(), 10).with_yearly_outage(Span::days(10));
    [("ten-years", ten.timeline("Ten years of a mailbox")), ("secumail", unlucky()), ("revoked", revoked())]
}

#[test]
fn ten_years_are_eleven_keys_each_of_which_is_used_in_turn() {
    let [(_, line), ..] = all();
    assert!((10..=12).contains(&line.rows.len()), "{line}");
    assert!(line.gaps.is_empty(), "{line}");
    for pair in line.rows.windows(2) {
        assert_eq!(pair[0].used_to, pair[1].used_from, "{line}");
        // I4: it decrypts on, also after its end.
        assert_eq!(pair[0].doing(pair[0].valid_to + Span::days(3_650)), Doing::DecryptsOn);
    }
}

#[test]
fn a_gap_is_seen_where_the_outage_was_too_long() {
    let line = unlucky();
    let [(from, to)] = line.gaps[..] else { panic!("{line}") };
    assert!((Span::days(1)..Span::days(4)).contains(&(to - from)), "{line}");
    assert_eq!(line.rows[0].used_to, from);
    // Its successor was made a week before, and waited.
    let [_, next, ..] = line.rows[..] else { panic!("{line}") };
    assert_eq!((next.doing(from), next.used_from), (Doing::Made, to));
    assert!((Span::days(6)..=Span::days(7)).contains(&(from - next.made)), "{line}");
    assert!(line.to_string().contains("gaps"), "{line}");
    assert!(line.to_svg().contains(&format!("Nothing in use from {from} to {to}")));
}

#[test]
fn a_picture_is_well_formed_and_needs_nothing_beside_itself() {
    for (name, line) in all() {
        let svg = line.to_svg();
        let mut open = Vec::new();
        for tag in svg.split('<').skip(1) {
            let (tag, text) = tag.split_once('>').unwrap_or_else(|| panic!("{name}: {tag}"));
            assert!(!text.contains('&') || text.contains(';'), "{name}: {text}");
            assert_eq!(tag.matches('"').count() % 2, 0, "{name}: {tag}");
            match tag.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(closed), "{name}"),
                None if tag.ends_with('/') => {}
                None => open.push(tag.split(' ').next().unwrap()),
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
        for outside in ["script", "href", "url(http", "@import", "style="] {
            assert!(!svg.contains(outside), "{name}: {outside}");
        }
        assert!(svg.contains("<title id=\"title\">") && svg.contains("<desc id=\"desc\">"), "{name}");
        fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.svg")), &svg).unwrap();
        println!("{line}");
    }
}

/// I11: what is valid is not used before it was looked at; what is revoked is used until then.
#[test]
fn a_key_is_used_from_when_it_was_found_fit_until_it_was_revoked() {
    let start = Time::from_unix(1_799_049_600);
    let subject = Subject::new(SubjectKind::Mailbox, "ann@example.com", Layout::Dual, start).unwrap();
    let mut state = SubjectState::new(&subject);
    let day = |days| start + Span::days(days);
    let end = day(365);
    for (at, what) in [
        (day(0), Happened::KeyDurable { cause: Cause::Click }),
        (day(1), Happened::Issued { not_before: day(1), not_after: end }),
        (day(3), Happened::Ready { activate_at: day(2), renew_at: day(300) }),
        (day(90), Happened::Revoked { reason: RevocationReason::Unspecified }),
    ] {
        apply(&mut state, &Event::new(Slot::Dual, 1, at, what));
    }
    let line = Timeline::new("revoked", &state, (day(0), end));
    let [row] = line.rows[..] else { panic!("{line}") };
    assert_eq!((row.made, row.used_from, row.used_to), (day(0), day(3), day(90)));
    let doing = [0, 2, 3, 89, 90, 400].map(|days| row.doing(day(days)));
    let expected = [Doing::Made, Doing::Made, Doing::Used, Doing::Used, Doing::DecryptsOn, Doing::DecryptsOn];
    assert_eq!(doing, expected);
    assert_eq!(line.gaps, [(day(90), end)]);
}

#[test]
fn as_text_a_key_is_a_line() {
    let text = simulation(Policy::safe(), 2).timeline("Two years").to_string();
    let expected = "\
Two years
3 keys from 2027-01 to 2029-01, no second without one in use.

       2027        2028        2029
key 1  ◆██████████▒▒────────────
key 2            ◆███████████▒──
key 3                       ◆███

◆ key made   █ in use   ▒ decrypts, certificate valid   ─ decrypts on   (a column is a month)
";
    assert_eq!(text, expected, "{text}");
}
