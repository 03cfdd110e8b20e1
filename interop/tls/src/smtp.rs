//! A client of SMTP, no more than what hands a mail to a server nearby.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

/// A mail to be handed in.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "all that a mail is")]
pub struct Mail<'a> {
    /// Who is logged in, if anybody.
    pub user: Option<&'a str>,
    /// The sender; empty for answers by a server.
    pub from: &'a str,
    /// The recipients.
    pub to: &'a [&'a str],
    /// Header and body.
    pub content: &'a str,
}

/// Hands a mail to the server at `address`, in clear. That the user is logged in is told as a proxy in front of Postfix
/// tells it (XCLIENT).
///
/// # Errors
///
/// If the server refuses, with what it answered.
pub fn submit(address: &str, mail: &Mail<'_>) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut answers = BufReader::new(stream.try_clone()?);
    answer(&mut answers, '2')?;
    let mut say = |line: &str, wanted: char| {
        stream.write_all(format!("{line}\r\n").as_bytes())?;
        answer(&mut answers, wanted)
    };
    say("EHLO client.home.example", '2')?;
    if let Some(user) = mail.user {
        say(&format!("XCLIENT LOGIN={user}"), '2')?;
        say("EHLO client.home.example", '2')?;
    }
    say(&format!("MAIL FROM:<{}>", mail.from), '2')?;
    for recipient in mail.to {
        say(&format!("RCPT TO:<{recipient}>"), '2')?;
    }
    say("DATA", '3')?;
    let lines: Vec<&str> = mail.content.lines().collect();
    say(&format!("{}\r\n.", lines.join("\r\n")), '2')?;
    say("QUIT", '2').map(drop)
}

fn answer(answers: &mut BufReader<TcpStream>, wanted: char) -> io::Result<String> {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        answers.read_line(&mut line)?;
        all.push_str(&line);
        if line.as_bytes().get(3) != Some(&b'-') {
            break;
        }
    }
    if all.starts_with(wanted) { Ok(all) } else { Err(io::Error::other(format!("answered: {all}"))) }
}
