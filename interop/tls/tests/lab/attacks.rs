//! Attackers on the wire: whatever they do, no octet of a mail with a guarantee goes over it in clear. All that passes
//! is recorded and searched.

use std::{collections::BTreeMap, fmt};

use sealpost_interop_tls::{
    Lab,
    attacker::{NameTrick, Trick},
    capture::Record,
    inside,
    smtp::{self, submit},
};
use sealpost_tls_policy::{Guarantee, Message, Verdict};

use crate::{
    asked::{Asked, Settings},
    documented::Documented,
    ours::{Mail, Ours, block_on, words},
};

/// Has a guarantee.
const ANNA: &str = "anna@home.example";
/// Has none.
const CARL: &str = "carl@home.example";

/// Where answers about TLSA records are killed.
#[derive(Clone, Copy, Debug)]
enum Names {
    Alone,
    /// Between the sender and its resolver.
    Near(NameTrick),
    /// Between the resolver and the server of the zone.
    Far(NameTrick),
}

/// What is done to the connection, and to answers about TLSA records.
#[derive(Clone, Copy, Debug)]
struct Attack {
    number: usize,
    /// Whether the domain has TLSA records.
    dane: bool,
    mail: Trick,
    names: Names,
}

impl Attack {
    /// Every trick with connections, with and without DANE. And every trick with TLSA records, together with a
    /// connection without STARTTLS, and with one to somebody else.
    fn all() -> Vec<Self> {
        let connections = [false, true].into_iter().flat_map(|dane| Trick::ALL.map(|mail| (dane, mail, Names::Alone)));
        let names = NameTrick::ALL.into_iter().flat_map(|trick| [Names::Near(trick), Names::Far(trick)]);
        let names =
            names.flat_map(|names| [Trick::StripStarttls, Trick::OtherCertificate].map(|mail| (true, mail, names)));
        let all = connections.chain(names).enumerate();
        all.map(|(number, (dane, mail, names))| Self { number, dane, mail, names }).collect()
    }

    /// What only the mail has that is sent meanwhile.
    fn secret(self) -> String {
        format!("secret-{:02}-6d1f", self.number)
    }

    fn recipient(self) -> String {
        format!("{}@{}.example", self.secret(), if self.dane { "dane-attacked" } else { "attacked" })
    }

    fn begin(self, lab: &Lab) {
        lab.attacker.play(self.mail);
        if let Names::Far(_) = self.names {
            lab.forget();
        }
        lab.near.play(if let Names::Near(trick) = self.names { trick } else { NameTrick::None });
        lab.far.play(if let Names::Far(trick) = self.names { trick } else { NameTrick::None });
    }

    /// It was really made, and the attacker heard nothing.
    fn check(self, lab: &Lab) {
        let done = match self.names {
            Names::Alone => lab.attacker.connections(),
            Names::Near(_) => lab.near.killed(),
            Names::Far(_) => lab.far.killed(),
        };
        assert!(done > 0, "{self}: nobody was attacked");
        let heard = String::from_utf8_lossy(&lab.attacker.heard()).into_owned();
        assert!(!heard.contains("MAIL FROM") && !heard.contains("secret"), "{self}: the attacker heard {heard}");
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dane = if self.dane { "DANE, " } else { "" };
        match self.names {
            Names::Alone => write!(f, "{dane}{:?}", self.mail),
            Names::Near(trick) => write!(f, "{dane}TLSA {trick:?} near, {:?}", self.mail),
            Names::Far(trick) => write!(f, "{dane}TLSA {trick:?} far, {:?}", self.mail),
        }
    }
}

fn content(secret: &str) -> String {
    format!("From: {ANNA}\r\nSubject: {secret}\r\n\r\nThis is {secret}.\r\n")
}

/// Sees that nothing was in clear, except what had to be, and shows how often what came of it.
fn report(lab: &Lab, who: &str, tried: &[(Attack, String)], record: &Record) {
    // The recipient, the subject, the text: in clear the search finds them.
    assert!(record.count("control-in-clear") >= 3);
    let mut outcomes: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (attack, outcome) in tried {
        let found = record.count(&attack.secret());
        println!("{attack}: {outcome}; found in clear: {found}");
        let (tries, all) = outcomes.entry(outcome.split(" (").next().unwrap().to_owned()).or_default();
        (*tries, *all) = (*tries + 1, *all + found);
    }
    lab.report(&format!("{who}: attacks on mails with a guarantee"));
    lab.report(&format!("  {:<20}{:>8}{:>16}", "outcome", "tries", "found in clear"));
    for (outcome, (tries, found)) in &outcomes {
        lab.report(&format!("  {outcome:<20}{tries:>8}{found:>16}"));
    }
    let found = outcomes.values().map(|(_, found)| found).sum::<usize>() + record.count(ANNA);
    lab.report(&format!("  {:<20}{:>8}{found:>16}", "all", tried.len()));
    lab.report(&format!("  octets recorded and searched: {}", record.octets()));
    assert_eq!(found, 0, "something was in clear");
}

/// With an alternate route the attackers gain nothing: a mail takes it over TLS, or waits. Where DANE failed it does not
/// even take it. And a route that is attacked is none, even if it was good a moment ago.
fn reroute(lab: &Lab, ours: &Ours) {
    let send = |recipient: &str, route| {
        let content = content("secret-rerouted");
        let guarantee = Guarantee::On;
        let mail = Mail { sender: ANNA, recipient, message: Message::default(), guarantee, content };
        let (verdict, there) = block_on(ours.send(&mail, Some(route)));
        (words(&verdict), there.as_ref().map(words).unwrap_or_default())
    };
    lab.attacker.play(Trick::None);
    let [good, attacked] = ["mx.route.example", "mx.attacked.example"].map(|host| block_on(ours.route(host)));
    lab.attacker.play(Trick::StripStarttls);
    let taken = |route: &str| (format!("reroute to {route}"), "deliver over TLS".to_owned());
    assert_eq!(send("berta@attacked.example", &good), taken("mx.route.example"));
    let (verdict, _) = send("berta@dane-attacked.example", &good);
    assert!(verdict.starts_with("defer 4.7.10"), "{verdict}");
    let (verdict, there) = send("berta@plain.example", &attacked);
    assert_eq!(verdict, "reroute to mx.attacked.example");
    assert!(there.starts_with("bounce 5.7.10") || there.starts_with("defer"), "{there}");
    let attacked_now = block_on(ours.route("mx.attacked.example"));
    let (verdict, there) = send("berta@plain.example", &attacked_now);
    assert!(verdict.starts_with("bounce 5.7.10") && there.is_empty(), "{verdict} {there}");
    lab.attacker.play(Trick::None);
    assert_eq!(send("berta@plain.example", &attacked), taken("mx.attacked.example"));
}

#[test]
fn our_sender_says_nothing_in_clear() {
    inside("attacks::our_sender_says_nothing_in_clear", |lab| {
        let ours = Ours::new(lab);
        let capture = lab.capture("ours");
        let send = |sender, recipient: &str, guarantee, content| {
            let mail = Mail { sender, recipient, message: Message::default(), guarantee, content };
            block_on(ours.send(&mail, None)).0
        };
        let mut tried = Vec::new();
        for attack in Attack::all() {
            attack.begin(lab);
            let verdict = send(ANNA, &attack.recipient(), Guarantee::On, content(&attack.secret()));
            attack.check(lab);
            let words = words(&verdict);
            match &verdict {
                Verdict::Deliver { encrypted: true, .. } => {
                    // Whoever it is takes it, but not where DANE says who it has to be.
                    assert!(!attack.dane, "{attack}");
                    assert!(lab.receivers().mail(&[&attack.secret()]).contains("(using TLSv1.3"), "{attack}");
                }
                Verdict::Bounce { .. } | Verdict::Defer { .. } => {}
                other => panic!("{attack}: {other:?}"),
            }
            let text = verdict.status().map_or("", |status| &status.text);
            let outcome = words.strip_suffix(text).unwrap().trim_end();
            tried.push((attack, format!("{outcome} ({text})")));
        }
        // A mail without a guarantee goes out in clear, and with the attackers gone the other one goes over TLS.
        lab.attacker.play(Trick::StripStarttls);
        lab.far.play(NameTrick::None);
        let recipient = "control-in-clear@attacked.example";
        let clear = content("control-in-clear").replace(ANNA, CARL);
        assert_eq!(words(&send(CARL, recipient, Guarantee::Off, clear)), "deliver in clear");
        lab.attacker.play(Trick::None);
        for domain in ["attacked", "dane-attacked"] {
            let recipient = format!("secret-end@{domain}.example");
            assert_eq!(words(&send(ANNA, &recipient, Guarantee::On, content("secret-end"))), "deliver over TLS");
        }
        reroute(lab, &ours);
        report(lab, "our sender", &tried, &capture.stop());
    });
}

#[test]
fn postfix_says_nothing_in_clear() {
    inside("attacks::postfix_says_nothing_in_clear", |lab| {
        let _asked = Asked::serve(lab, Settings::with(ANNA, Guarantee::On));
        let postfix = Documented::start(lab);
        let capture = lab.capture("postfix");
        let send = |from, to: &str, content: &str| {
            submit("127.0.0.1:25", &smtp::Mail { user: None, from, to: &[to], content }).unwrap();
        };
        let mut tried = Vec::new();
        for attack in Attack::all() {
            attack.begin(lab);
            send(ANNA, &attack.recipient(), &content(&attack.secret()));
            let outcome = postfix.outcome(&attack.recipient());
            attack.check(lab);
            tried.push((attack, outcome));
        }
        lab.attacker.play(Trick::StripStarttls);
        lab.far.play(NameTrick::None);
        let clear = content("control-in-clear").replace(ANNA, CARL);
        send(CARL, "control-in-clear@attacked.example", &clear);
        assert!(!lab.receivers().mail(&["control-in-clear"]).contains("(using TLS"));
        // With the attackers gone all that waits arrives, over TLS.
        lab.attacker.play(Trick::None);
        postfix.empty();
        for (attack, outcome) in &tried {
            if outcome.starts_with("bounced") {
                assert!(lab.receivers().mails(&[&attack.secret()]).is_empty(), "{attack}");
            } else {
                let received = lab.receivers().mail(&[&attack.secret()]);
                assert!(received.contains("(using TLSv1.3"), "{attack}: {received}");
            }
        }
        report(lab, "Postfix with our maps", &tried, &capture.stop());
    });
}
