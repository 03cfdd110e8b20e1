//! MTA-STS, fetched over HTTPS and held to.

use sealpost_interop_tls::{Lab, attacker::Trick, inside};
use sealpost_tls_policy::{Guarantee, Message};

use crate::ours::{Mail, Ours, block_on, words};

const TLS: &str = "deliver over TLS";
const CLEAR: &str = "deliver in clear";

fn policy(mode: &str, mx: &str) -> String {
    format!("version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 86400\r\n")
}

fn send(ours: &Ours, guarantee: Guarantee) -> String {
    let (sender, recipient) = ("anna@home.example", "berta@sts.example");
    let content = "Subject: Hello\r\n\r\nHello.\r\n".to_owned();
    words(&block_on(ours.send(&Mail { sender, recipient, message: Message::default(), guarantee, content }, None)).0)
}

fn check(ours: &Ours, wanted: [&str; 2], what: &str) {
    for (guarantee, wanted) in [Guarantee::Off, Guarantee::On].into_iter().zip(wanted) {
        let words = send(ours, guarantee);
        assert!(words.starts_with(wanted), "{what}, {guarantee:?}: {words}");
    }
}

#[test]
fn a_policy_that_is_enforced_is_held_to() {
    inside("policies::a_policy_that_is_enforced_is_held_to", |lab: &Lab| {
        let ours = Ours::new(lab);
        let policies = lab.policies(&policy("enforce", "mx.sts.example"));
        lab.attacker.play(Trick::None);
        check(&ours, [TLS; 2], "the host is listed");
        lab.attacker.play(Trick::StripStarttls);
        check(&ours, ["defer 4.7.10 TLS is required, but was not offered by host mx.sts.example"; 2], "stripped");
        policies.publish(&policy("testing", "mx.sts.example"));
        check(&ours, [CLEAR, "bounce 5.7.10"], "a policy that is tested");
        lab.attacker.play(Trick::OtherCertificate);
        check(&ours, [TLS; 2], "a policy that is tested");
        policies.publish(&policy("enforce", "*.sts.example"));
        check(&ours, ["defer 4.7.5 Server certificate not verified"; 2], "somebody else");
        lab.attacker.play(Trick::None);
        check(&ours, [TLS; 2], "the host is listed by a pattern");
        policies.publish(&policy("enforce", "mx.good.example"));
        check(&ours, ["defer 4.7.5"; 2], "the host is not listed");
        // Nothing is known from before: whoever has no guarantee has no policy then.
        policies.stop();
        lab.attacker.play(Trick::StripStarttls);
        check(&ours, [CLEAR, "bounce 5.7.10"], "no policy can be fetched");
    });
}
