//! Postfix as the sender, with our maps, set up as the documentation says.

use sealpost_interop_tls::{
    Lab, inside,
    program::eventually,
    smtp::{Mail, submit},
};
use sealpost_tls_policy::{
    Guarantee,
    one_time::{Redemption, Refused},
};

use crate::{
    asked::{Asked, Settings, token},
    documented::Documented,
};

pub(crate) const ANNA: &str = "anna@home.example";
const CARL: &str = "carl@home.example";
pub(crate) const PLAIN: &str = "berta@plain.example";

/// What the bounce says, with its lines as one.
const CAUSE: &str = "TLS is required, but was not offered by host mx.plain.example[127.0.0.3]";

pub(crate) fn send(user: Option<&str>, from: &str, to: &[&str], marker: &str) {
    let content = format!("From: somebody@home.example\nSubject: {marker}\n\nHello.\n");
    submit("127.0.0.1:25", &Mail { user, from, to, content: &content }).unwrap();
}

fn settings() -> Settings {
    Settings::with(ANNA, Guarantee::On)
}

/// With lines that were folded put together.
fn unfolded(mail: &str) -> String {
    mail.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The mail came back to its sender, with its cause, and went nowhere.
pub(crate) fn comes_back(lab: &Lab, postfix: &Documented, marker: &str) -> String {
    let bounce = postfix.sender.mail(&["Subject: Undelivered Mail Returned to Sender", marker]);
    assert!(lab.receivers().mails(&[marker]).is_empty());
    bounce
}

#[test]
fn a_guarantee_holds_and_is_lifted_once() {
    inside("guarantee::a_guarantee_holds_and_is_lifted_once", |lab| {
        let asked = Asked::serve(lab, settings());
        let postfix = Documented::start(lab);

        // It comes back at once, and says why.
        send(Some("anna"), ANNA, &[PLAIN], "marker-bounced");
        let bounce = comes_back(lab, &postfix, "marker-bounced");
        assert!(unfolded(&bounce).contains(&format!("<{PLAIN}>: {CAUSE} ")), "{bounce}");
        assert!(bounce.contains("To: anna@home.example\n"), "{bounce}");
        assert!(bounce.contains("\nAction: failed\nStatus: 5.7."), "{bounce}");
        eventually("the queue is empty", || (postfix.guarantee.waiting() == 0).then_some(()));

        // The same mail without the guarantee goes out: because of another user, and because of a permission, once.
        send(Some("carl"), CARL, &[PLAIN], "marker-carl");
        assert!(lab.receivers().mail(&["marker-carl"]).contains("by mx.plain.example"));
        let token = token(ANNA, PLAIN);
        let other = asked.allow(&token, "anna", [ANNA, "berta@old.example"]);
        assert_eq!(other, Redemption::Refused(Refused::NotGenuine));
        assert!(asked.allow(&token, "anna", [ANNA, PLAIN]).is_granted());
        assert_eq!(asked.allow(&token, "anna", [ANNA, PLAIN]), Redemption::Refused(Refused::Used));
        send(Some("anna"), ANNA, &[PLAIN], "marker-allowed");
        assert!(lab.receivers().mail(&["marker-allowed"]).contains("by mx.plain.example"));
        assert!(
            asked.noted().iter().any(|note| note.contains("one mail without the guarantee")),
            "{:?}",
            asked.noted()
        );
        send(Some("anna"), ANNA, &[PLAIN], "marker-again");
        comes_back(lab, &postfix, "marker-again");

        // To a host with TLS it goes. Of several recipients only the one without TLS comes back.
        send(Some("anna"), ANNA, &["berta@good.example", PLAIN], "marker-both");
        let received = lab.receivers().mail(&["marker-both"]);
        assert!(received.contains("by mx.good.example") && received.contains("(using TLSv1.3"), "{received}");
        let bounce = postfix.sender.mail(&["Subject: Undelivered Mail Returned to Sender", "marker-both"]);
        assert!(!bounce.contains("<berta@good.example>:"), "{bounce}");

        // What the server sends by itself has no sender, and passes.
        send(None, "", &[PLAIN], "marker-vacation");
        assert!(lab.receivers().mail(&["marker-vacation"]).contains("by mx.plain.example"));
    });
}

#[test]
fn hosts_that_are_no_better_than_none() {
    inside("guarantee::hosts_that_are_no_better_than_none", |lab| {
        let _asked = Asked::serve(lab, settings());
        let postfix = Documented::start(lab);

        // TLS 1.0 is none.
        send(Some("anna"), ANNA, &["berta@old.example"], "marker-old");
        let _line = postfix.guarantee.line(&["to=<berta@old.example>", "status="]);
        assert!(lab.receivers().mails(&["marker-old"]).is_empty());

        // Without our look at the hosts Postfix finds out by itself, and the filter makes it a bounce.
        let own = format!("transport_maps = regexp:{}/own", postfix.guarantee.settings().display());
        postfix.guarantee.change(&own);
        send(Some("anna"), ANNA, &[PLAIN], "marker-by-itself");
        let bounce = comes_back(lab, &postfix, "marker-by-itself");
        assert!(unfolded(&bounce).contains(&format!("<{PLAIN}>: {CAUSE} ")), "{bounce}");
        assert!(bounce.contains("\nStatus: 5.7.4\n"), "{bounce}");
    });
}

#[test]
fn the_alternate_route_takes_what_can_not_go_directly() {
    inside("guarantee::the_alternate_route_takes_what_can_not_go_directly", |lab| {
        let asked = Asked::serve(lab, settings());
        let postfix = Documented::start(lab);
        asked.set(|settings| settings.route = Some("mx.route.example"));
        for (domain, by) in [("plain", "mx.route.example"), ("old", "mx.route.example"), ("good", "mx.good.example")] {
            let marker = format!("marker-route-{domain}");
            send(Some("anna"), ANNA, &[&format!("berta@{domain}.example")], &marker);
            let received = lab.receivers().mail(&[&marker]);
            assert!(received.contains(&format!("by {by} ")) && received.contains("(using TLSv1.3"), "{received}");
        }
        // Who has no guarantee goes directly.
        send(Some("carl"), CARL, &[PLAIN], "marker-route-carl");
        assert!(lab.receivers().mail(&["marker-route-carl"]).contains("by mx.plain.example"));
        // Without the route it comes back.
        asked.set(|settings| settings.route = None);
        send(Some("anna"), ANNA, &[PLAIN], "marker-no-route");
        comes_back(lab, &postfix, "marker-no-route");
        // A route that has no TLS itself is none.
        asked.set(|settings| settings.route = Some("mx.plain.example"));
        send(Some("anna"), ANNA, &["berta@unusable-plain.example"], "marker-bad-route");
        let _line = postfix.guarantee.line(&["to=<berta@unusable-plain.example>", "status=deferred"]);
        assert!(lab.receivers().mails(&["marker-bad-route"]).is_empty());
    });
}
