//! `sealpost demo`: the whole story, told with the tool's own commands in a temporary folder.

use std::{env, fs};

use clap::Parser;
use serde_json::json;

use crate::{
    args::{Args, Command},
    failure::{At, Failure, Result},
    forward,
    output::Output,
};

mod parties;

const SECRET_TEXT: &str = "The vault's combination is 31-17-5.";

pub(crate) fn run(output: Output) -> Result {
    let folder = tempfile::tempdir().at("the temporary folder")?;
    let back = env::current_dir().at(".")?;
    env::set_current_dir(folder.path()).at(folder.path())?;
    let told = Story { output, step: 0 }.tell();
    env::set_current_dir(back).at(".")?;
    told
}

struct Story {
    output: Output,
    step: usize,
}

impl Story {
    fn tell(&mut self) -> Result {
        self.keys()?;
        self.setup()?;
        let sender = self.mail()?;
        let changed = self.transform()?;
        self.read()?;
        self.summary(&sender, changed);
        Ok(())
    }

    fn keys(&mut self) -> Result {
        self.headline("Bob, Charles and the server's operator each have an OpenPGP key of their own.");
        for name in ["bob", "charles", "operator"] {
            parties::make_key(name)?;
        }
        Ok(())
    }

    fn setup(&mut self) -> Result {
        self.headline("Bob goes on holiday. He makes two secrets: a key for Charles, and a factor for the server.");
        self.succeeds(&[
            "setup",
            "--key",
            "bob.asc",
            "--to",
            "Charles <charles@example.org>",
            "--certificate",
            "charles.pub.asc",
            "--out",
            "forward",
        ])?;
        self.headline("The server checks the factor before it relies on it.");
        self.succeeds(&[
            "verify",
            "--key",
            "bob.pub.asc",
            "--forwardee",
            "forward/forwardee.key.asc",
            "--instance",
            "forward/instance-0.json",
        ])?;
        self.say("It also stores Charles's key and its passphrase for him, locked. It can't open them:");
        self.fails(&["activate", "forward/activation.asc", "--key", "operator.asc", "--from", "bob.pub.asc"])?;
        self.headline("Charles opens the token with his own key and checks that Bob signed it.");
        let passphrase = parties::activate("forward/activation.asc", "charles.asc", "bob.pub.asc")?;
        fs::write("passphrase", passphrase.as_bytes()).at("passphrase")?;
        self.say("He has the passphrase of the key for forwarded mail.");
        Ok(())
    }

    /// Says with what program Alice wrote.
    fn mail(&mut self) -> Result<String> {
        self.headline("Alice writes to Bob. She knows nothing of Charles, and needs nothing but her OpenPGP program.");
        let sender = parties::write_mail(SECRET_TEXT, "bob.pub.asc", "mail.eml")?;
        self.say(&format!("She uses {sender}. Her mail, mail.eml, as the server gets it:"));
        let mail = fs::read_to_string("mail.eml").at("mail.eml")?;
        mail.lines().take(16).for_each(|line| self.say(&format!("  | {line}")));
        self.say("  | …");
        self.check("Bob", parties::can_read("bob.asc", "mail.eml")?, true)?;
        self.check("the server's operator", parties::can_read("operator.asc", "mail.eml")?, false)?;
        self.check("Charles with his own key", parties::can_read("charles.asc", "mail.eml")?, false)?;
        self.say("Charles with the key for forwarded mail:");
        self.fails(&[
            "decrypt",
            "--key",
            "forward/forwardee.key.asc",
            "--password-file",
            "passphrase",
            "mail.eml",
            "text",
        ])?;
        Ok(sender)
    }

    /// Says how many octets changed, and of how many.
    fn transform(&mut self) -> Result<(usize, usize)> {
        self.headline("The server turns the mail for Bob into one for Charles. It decrypts nothing.");
        self.succeeds(&["transform", "--instance", "forward/instance-0.json", "mail.eml", "forwarded.eml"])?;
        let (before, after) = (fs::read("mail.eml").at("mail.eml")?, fs::read("forwarded.eml").at("forwarded.eml")?);
        let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        self.say(&format!("{changed} of {} octets changed; the encrypted text is the same.", after.len()));
        self.check("the server's operator", parties::can_read("operator.asc", "forwarded.eml")?, false)?;
        Ok((changed, after.len()))
    }

    fn read(&mut self) -> Result {
        self.headline("Charles reads it.");
        self.succeeds(&[
            "decrypt",
            "--key",
            "forward/forwardee.key.asc",
            "--password-file",
            "passphrase",
            "forwarded.eml",
            "text",
        ])?;
        let text = fs::read_to_string("text").at("text")?;
        self.say(&format!("  \"{}\"", text.trim()));
        if text.contains(SECRET_TEXT) { Ok(()) } else { Err(Failure::new("demo: Charles read another text")) }
    }

    fn summary(&self, sender: &str, (changed, of): (usize, usize)) {
        let rows = [
            ["", "holds", "reads mail to Bob", "reads what was forwarded"],
            ["Alice", "Bob's public key", "her own", "-"],
            ["Bob", "his key", "yes", "no need"],
            ["the server", "the factor", "no", "no"],
            ["Charles", "his key for forwarded mail", "no", "yes"],
            ["the server and Charles together", "both", "YES, all of it", "yes"],
        ];
        let mut table = String::new();
        for [who, holds, original, forwarded] in rows {
            table += &format!("  {who:<32}{holds:<28}{original:<19}{forwarded}\n");
        }
        let last = "The last line is the price of the scheme: factor and forwardee's key together give Bob's key \
                    (docs/threat-model.md). Bob ends the forward by having the server destroy the factor.";
        let json = json!({
            "sender": sender,
            "octets_changed": changed,
            "octets": of,
            "plaintext_read_by_forwardee": true,
        });
        self.output.result(&json, &format!("\n{table}\n{last}"));
    }

    fn headline(&mut self, text: &str) {
        self.step += 1;
        self.output.line(&format!("\n{}. {text}", self.step));
    }

    fn say(&self, text: &str) {
        self.output.line(&format!("   {text}"));
    }

    /// Says whether a party can read a message, and fails if that is not as it should be.
    fn check(&self, who: &str, can: bool, should: bool) -> Result {
        self.say(&format!("{} {who} {} read it.", if can { "+" } else { "-" }, if can { "can" } else { "can't" }));
        if can == should { Ok(()) } else { Err(Failure::new(format!("demo: {who}: not as it should be"))) }
    }

    /// Runs one of the tool's own commands.
    fn command(&self, words: &[&str]) -> Result {
        let quoted =
            words.iter().map(|word| if word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() });
        self.say(&format!("$ sealpost forward {}", quoted.collect::<Vec<_>>().join(" ")));
        let words = ["sealpost", "forward"].iter().chain(words);
        let args = Args::try_parse_from(words).map_err(|error| Failure::new(error.to_string()))?;
        let output = if self.output == Output::Text { Output::Text } else { Output::Quiet };
        match args.command {
            Command::Forward(command) => forward::run(command, output),
            _ => Ok(()),
        }
    }

    fn succeeds(&self, words: &[&str]) -> Result {
        self.command(words)
    }

    fn fails(&self, words: &[&str]) -> Result {
        match self.command(words) {
            Ok(()) => Err(Failure::new("demo: a command succeeded that should have failed")),
            Err(failure) => {
                self.say(&format!("- {failure}"));
                Ok(())
            }
        }
    }
}
