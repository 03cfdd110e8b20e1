//! What `docs/postfix.md` says, word for word: its settings and its commands, with the tool as users have it.

use std::{env, fs, net::TcpStream, path::PathBuf, process::Command};

use sealpost_interop_tls::{
    Lab, inside,
    program::{Daemon, eventually, run},
};

use crate::{
    documented::{Documented, block},
    guarantee::{ANNA, PLAIN, comes_back, send},
};

/// The tool, beside the folder of the test's own program.
fn tool() -> PathBuf {
    env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("sealpost")
}

/// A command of the documentation, with folders of the lab for those of the system.
fn command(lab: &Lab, start: &str) -> Command {
    let text = here(lab, &block(start)).replace("\\\n", " ");
    let mut words = text.split_whitespace();
    assert_eq!(words.next(), Some("sealpost"));
    let mut command = Command::new(tool());
    command.args(words);
    command
}

fn here(lab: &Lab, text: &str) -> String {
    let folder = lab.folder().join("sealpost").display().to_string();
    text.replace("/etc/sealpost", &folder).replace("/var/lib/sealpost", &folder)
}

/// What Postfix gets for a key.
fn look_up(postfix: &Documented, map: &str, key: &str) -> String {
    let map = format!("socketmap:inet:127.0.0.1:8461:{map}");
    let output = Command::new("postmap").arg("-c").arg(postfix.sender.settings()).args(["-q", key, &map]).output();
    String::from_utf8_lossy(&output.unwrap().stdout).trim().to_owned()
}

#[test]
fn what_the_manual_says() {
    if !tool().is_file() {
        sealpost_testkit::missing("the tool (cargo build -p sealpost-cli)");
        return;
    }
    inside("manual::what_the_manual_says", |lab| {
        let folder = lab.folder().join("sealpost");
        fs::create_dir_all(&folder).unwrap();
        let users = block("[users]");
        fs::write(folder.join("tls.toml"), &users).unwrap();
        let mut serve = command(lab, "sealpost tls serve");
        // In the lab other keys of DNS and other roots are trusted.
        serve.args(["--nameserver", "127.0.0.54:53", "--helo", "mx.home.example", "--anchors"]).arg(lab.anchor());
        let mut serve = Daemon::start("serve", lab.folder(), serve.arg("--roots").arg(lab.root()));
        serve.wait_until(|_| [8461, 8462].into_iter().all(|port| TcpStream::connect(("127.0.0.1", port)).is_ok()));
        let postfix = Documented::start(lab);
        assert_eq!(look_up(&postfix, "transport", ANNA), "guarantee:[127.0.0.1]:10027");
        assert_eq!(look_up(&postfix, "transport", "carl@home.example"), "");
        assert_eq!(look_up(&postfix, "guarantee", "dane.example"), "dane-only protocols=>=TLSv1.2");

        send(Some("anna"), ANNA, &[PLAIN], "marker-manual");
        comes_back(lab, &postfix, "marker-manual");
        run(&mut command(lab, "sealpost tls allow"));
        send(Some("anna"), ANNA, &[PLAIN], "marker-manual-allowed");
        assert!(lab.receivers().mail(&["marker-manual-allowed"]).contains("by mx.plain.example"));
        send(Some("anna"), ANNA, &[PLAIN], "marker-manual-again");
        comes_back(lab, &postfix, "marker-manual-again");

        let route = block("route = ").replace("relay.home.example", "mx.route.example");
        fs::write(folder.join("tls.toml"), format!("{route}\n{users}")).unwrap();
        serve.hang_up();
        eventually("the alternate route", || {
            (look_up(&postfix, "alternate", PLAIN) == "smtp:[mx.route.example]:25").then_some(())
        });
        send(Some("anna"), ANNA, &[PLAIN], "marker-manual-route");
        let received = lab.receivers().mail(&["marker-manual-route"]);
        assert!(received.contains("by mx.route.example") && received.contains("(using TLSv1.3"), "{received}");
    });
}
