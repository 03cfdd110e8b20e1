use proptest::prelude::*;

use super::*;

const NOW: Time = Time::from_unix(1_795_780_800);

fn key() -> TokenKey {
    TokenKey::from_octets([7; 32])
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn pair<'a>(sender: &'a Address, recipient: &'a Address) -> Pair<'a> {
    Pair { sender, recipient }
}

fn granted() -> Token {
    key().grant(pair(&address("u@a.example"), &address("g@b.example")), "9FD25686", NOW, Span::minutes(10)).unwrap()
}

fn redeemed(token: &str, now: Time, memory: &mut MemoryRedeemed) -> Redemption {
    key().redeem(token, pair(&address("u@a.example"), &address("g@b.example")), now, memory)
}

#[test]
fn it_is_for_one_sender_one_recipient_one_key_and_its_minutes() {
    let token = granted();
    let try_it = |key: &TokenKey, sender: &str, recipient: &str, now| {
        key.redeem(token.reveal(), pair(&address(sender), &address(recipient)), now, &mut MemoryRedeemed::new(1))
    };
    let good = Redemption::Granted { mail: "9FD25686".to_owned() };
    let refused = Redemption::Refused;
    assert_eq!(try_it(&key(), "u@a.example", "g@b.example", NOW), good);
    assert_eq!(try_it(&key(), "u@A.EXAMPLE", "\"g\"@b.example", NOW), good);
    assert_eq!(try_it(&key(), "U@a.example", "g@b.example", NOW), refused(Refused::NotGenuine));
    assert_eq!(try_it(&key(), "g@b.example", "u@a.example", NOW), refused(Refused::NotGenuine));
    assert_eq!(try_it(&key(), "u@a.example", "h@b.example", NOW), refused(Refused::NotGenuine));
    let other = TokenKey::from_octets([8; 32]);
    assert_eq!(try_it(&other, "u@a.example", "g@b.example", NOW), refused(Refused::NotGenuine));
    let last = token.until() - Span::seconds(1);
    assert_eq!(try_it(&key(), "u@a.example", "g@b.example", last), good);
    assert_eq!(try_it(&key(), "u@a.example", "g@b.example", token.until()), refused(Refused::Expired));
}

#[test]
fn it_is_redeemed_once_and_remembered_in_bounds() {
    let mut memory = MemoryRedeemed::new(2);
    let grant = |mail: &str, now| {
        key().grant(pair(&address("u@a.example"), &address("g@b.example")), mail, now, LONGEST).unwrap()
    };
    let [first, second, third] = ["1", "2", "3"].map(|mail| grant(mail, NOW));
    assert!(redeemed(first.reveal(), NOW, &mut memory).is_granted());
    assert_eq!(redeemed(first.reveal(), NOW, &mut memory), Redemption::Refused(Refused::Used));
    assert!(redeemed(second.reveal(), NOW, &mut memory).is_granted());
    // What is remembered is not pushed out.
    assert_eq!(redeemed(third.reveal(), NOW, &mut memory), Redemption::Refused(Refused::Unavailable));
    assert_eq!(redeemed(first.reveal(), NOW, &mut memory), Redemption::Refused(Refused::Used));
    let later = NOW + LONGEST;
    assert!(redeemed(grant("4", later).reveal(), later, &mut memory).is_granted());
    // A clock that is set back makes nothing good again.
    assert_eq!(redeemed(first.reveal(), NOW, &mut memory), Redemption::Refused(Refused::Unavailable));
}

#[test]
fn it_is_granted_for_minutes_and_for_a_mail_with_a_name() {
    let grant =
        |mail: &str, span| key().grant(pair(&address("u@a.example"), &address("g@b.example")), mail, NOW, span).is_ok();
    assert!(grant("a-B_1.c", Span::seconds(1)) && grant(&"a".repeat(64), LONGEST));
    assert!(!grant("a", Span::ZERO) && !grant("a", Span::seconds(-1)) && !grant("a", LONGEST + Span::seconds(1)));
    assert!(!grant("", LONGEST) && !grant(&"a".repeat(65), LONGEST) && !grant("a b", LONGEST) && !grant("ä", LONGEST));
    let longest =
        key().grant(pair(&address("u@a.example"), &address("g@b.example")), &"a".repeat(64), NOW, LONGEST).unwrap();
    assert!(redeemed(longest.reveal(), NOW, &mut MemoryRedeemed::new(1)).is_granted());
}

#[test]
fn nothing_shows_it() {
    let token = granted();
    let shown = format!("{:?} {:?}", key(), token);
    assert_eq!(shown, "TokenKey { .. } Token { until: 2026-11-27T12:10:00Z, .. }");
    assert_eq!(format!("{:?}", key()), "TokenKey { .. }");
}

#[test]
fn a_mail_may_bring_it() {
    assert_eq!(token_of(b"A: b\r\nsealpost-send-once:\r\n AbC (x)\r\n\r\n").as_deref(), Some("AbC"));
    assert_eq!(token_of(b"Sealpost-Send-Once: a\r\nSealpost-Send-Once: a\r\n\r\n"), None);
    assert_eq!(token_of(b"A: b\r\n\r\nSealpost-Send-Once: a\r\n"), None);
}

proptest! {
    /// One character changed, or any other text: refused, and nothing is marked.
    #[test]
    fn no_other_text_is_redeemed(place in any::<prop::sample::Index>(), c in "[A-Za-z0-9_=.-]", other in ".{0,150}") {
        let token = granted();
        let mut changed = token.reveal().to_owned();
        let place = place.index(changed.len());
        changed.replace_range(place..=place, &c);
        let mut memory = MemoryRedeemed::new(9);
        if changed != token.reveal() {
            let refused = redeemed(&changed, NOW, &mut memory);
            prop_assert!(matches!(refused, Redemption::Refused(Refused::Malformed | Refused::NotGenuine)));
        }
        prop_assert!(!redeemed(&other, NOW, &mut memory).is_granted());
        prop_assert!(redeemed(token.reveal(), NOW, &mut memory).is_granted());
    }

    /// However often and whenever it is tried: it is granted once, within its time.
    #[test]
    fn it_is_granted_once(times in proptest::collection::vec(-100_i64..2_000, 1..20)) {
        let (token, mut memory) = (granted(), MemoryRedeemed::new(9));
        let tries: Vec<_> = times.iter().map(|seconds| NOW + Span::seconds(*seconds)).collect();
        let granted: Vec<_> = tries.iter().filter(|now| redeemed(token.reveal(), **now, &mut memory).is_granted()).collect();
        prop_assert!(granted.len() <= 1);
        prop_assert_eq!(granted.first().copied(), tries.iter().find(|now| **now < token.until()));
    }
}
