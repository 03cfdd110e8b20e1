//! The lab itself: what the other tests rely on.

use sealpost_interop_tls::{
    inside,
    smtp::{Mail, submit},
};

/// Mail arrives at each host, the record finds what was in clear, and Postfix proves what DNS says.
#[test]
fn the_lab_works() {
    inside("harness::the_lab_works", |lab| {
        let capture = lab.capture("control");
        let sender =
            lab.postfix("sender", "", "smtp_tls_security_level = may\n", "127.0.0.1:25 inet n - n - - smtpd\n");
        for (host, tls) in [("good", true), ("plain", false), ("old", true), ("attacked", true)] {
            let marker = format!("control-{host}-7f3a");
            let mail = format!("From: anna@home.example\nSubject: {marker}\n\nHello {marker}.\n");
            let to = format!("berta@{host}.example");
            let mail = Mail { user: None, from: "anna@home.example", to: &[&to], content: &mail };
            submit("127.0.0.1:25", &mail).unwrap();
            let received = lab.receivers().mail(&[&marker]);
            assert_eq!(received.contains("(using TLSv1"), tls, "{received}");
        }
        assert_eq!(lab.attacker.connections(), 1);
        let record = capture.stop();
        // In clear its subject and its body are there; over TLS nothing is.
        assert_eq!(record.count("control-plain-7f3a"), 2);
        for host in ["good", "old", "attacked"] {
            assert_eq!(record.count(&format!("control-{host}-7f3a")), 0);
        }
        let finger = lab.finger("dane", "dane.example");
        assert!(finger.contains("Verified TLS connection"), "{finger}");
        drop(sender);
    });
}
