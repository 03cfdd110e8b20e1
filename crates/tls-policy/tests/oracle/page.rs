//! `docs/tls-decisions.md`: written with `SEALPOST_BASELINES=write` in the environment, compared without.

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::Path};

use super::{
    engine::Bench,
    model::{self, Case, Channel, DN, Outcome, STS},
};

const INTRODUCTION: &str = "\
# What becomes of a mail

Written by `SEALPOST_BASELINES=write cargo test -p sealpost-tls-policy --test oracle`; without the variable the test compares. The test decides all combinations below for one host, by the engine and by a model that shares nothing with it. How several hosts come together stands at the end.

## What a decision is made from

| what | values |
|---|---|
| the user's guarantee | off, on, strict |
| the mail | submitted, an answer by the server, a user's own forward |
| the header `TLS-Required: No` | no, yes |
| REQUIRETLS in the envelope | no, yes |
| the administrator's floor | unset, none, encrypt, secure, dane-only |
| the recipient's MTA-STS policy | none, testing, enforced and the host is listed, enforced and it is not |
| the host's TLSA records | none, the look-up failed, none is usable, one matches, none matches |
| the MX record | secured by DNSSEC, or not |
| the connection | no STARTTLS, refused, only before TLS 1.2, the handshake failed, TLS with a certificate that is valid by PKIX or not, and REQUIRETLS offered or not |
| the alternate secure route | none, a secure one, one that is not |

## What sets what aside

1. A domain with a null MX takes no mail: 5.1.10, before everything.
2. REQUIRETLS comes before `TLS-Required: No`. With an empty sender it counts for nothing.
3. `TLS-Required: No` sets the recipient's MTA-STS and DANE aside, and nothing else. The user's guarantee stays, unless the user redeemed an override for this one mail and recipient.
4. Answers by the server and a user's own forwards are exempt from the user's guarantee, and from nothing else.
5. An administrator's exception sets the recipient's MTA-STS and DANE aside until its end, and nothing else.
6. A policy of mode testing asks for nothing and vouches for nothing.

";

const END: &str = "
## Several hosts

Hosts are tried by their preference, whatever their security. A host whose TLSA records could not be looked up, or that an enforced policy does not list, is passed over. Where no host is left:

- **The alternate secure route** is taken if every host was reached and has no TLS, or none that is new enough, which the sender's side requires; if the route holds all that the sender's side requires, and REQUIRETLS if that is asked for; not if the recipient's own policy failed, unless the route enforces it; not twice; and not to one of the hosts that failed.
- **It goes back to its sender at once** if every host was reached and said a clear no (no STARTTLS, STARTTLS refused for good, only versions before 1.2), and only the sender's side asks for what is missing: the guarantee, the organisation's rule, REQUIRETLS. With REQUIRETLS any failure of a connection is such a no (RFC 8689, section 4.2.1). An address has no name: what needs one comes back at once.
- **Else it waits.** At its last try it goes back to its sender; if MTA-STS stopped it, not before the policy was looked up again (RFC 8461, section 5).

| code | what |
|---|---|
| 5.1.2 | the domain does not exist |
| 5.1.10 | the domain takes no mail (RFC 7505) |
| 4.4.1, 4.4.3, 4.4.4 | no connection, no answer of DNS, no host; at the last try 5.4.7 |
| 4.7.10 | TLS is missing; at once or at the last try 5.7.10 |
| 4.7.5 | another thing about security is missing: a certificate, an answer about TLSA records, a host that is listed; at the last try 5.7.5 |
| 5.7.30 | the connection is good, but the host does not offer REQUIRETLS (RFC 8689) |
";

pub(crate) fn check() {
    let page = page();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tls-decisions.md");
    if env::var_os("SEALPOST_BASELINES").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let again = "If it is meant to be so: SEALPOST_BASELINES=write cargo test -p sealpost-tls-policy --test oracle";
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), page, "{again}");
}

fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    counts(&mut page);
    by_policy(&mut page);
    by_channel(&mut page);
    page + END
}

fn counts(page: &mut String) {
    let bench = Bench::new();
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    model::all(|case| *counts.entry(bench.decide(&case)).or_default() += 1);
    let all: usize = counts.values().sum();
    writeln!(page, "## All {all} combinations\n\n| verdict | combinations |\n|---|---:|").unwrap();
    for (outcome, count) in counts {
        writeln!(page, "| {} | {count} |", words(outcome)).unwrap();
    }
    page.push('\n');
}

const fn words((verdict, way): Outcome) -> &'static str {
    match (verdict.as_bytes(), way.as_bytes()) {
        (b"deliver", b"tls") => "deliver over TLS",
        (b"deliver", _) => "deliver in clear",
        (b"reroute", _) => "alternate route",
        (b"bounce", b"5.7.30") => "back at once, 5.7.30",
        (b"bounce", _) => "back at once, 5.7.10",
        (_, b"4.7.10") => "wait, 4.7.10",
        _ => "wait, 4.7.5",
    }
}

/// Nobody on the sender's side asks for anything, and the alternate route is not at hand.
const NOTHING: Case = Case {
    g: "off",
    o: "user",
    trn: false,
    rt: false,
    adm: "unset",
    sts: "none",
    dn: "none",
    mxd: "secure",
    ch: Channel { kind: "ok", pkix: true, rtls: false },
    alt: "none",
};

fn by_policy(page: &mut String) {
    page.push_str("## DANE, else MTA-STS\n\nA mail for which nobody on the sender's side asks for anything. In each field: over TLS with a certificate that is valid by PKIX; with one that is not; without TLS.\n\n");
    page.push_str(
        "| TLSA records | no policy | testing | enforced, listed | enforced, not listed |\n|---|---|---|---|---|\n",
    );
    let names = ["none", "the look-up failed", "none is usable", "one matches", "none matches"];
    for (dn, name) in DN.into_iter().zip(names) {
        let fields = STS.map(|sts| {
            let ways = [("ok", true), ("ok", false), ("no_starttls", false)];
            let verdicts = ways.map(|(kind, pkix)| {
                let ch = Channel { kind, pkix, rtls: false };
                words(Bench::new().decide(&Case { sts, dn, ch, ..NOTHING }))
            });
            if verdicts.iter().all(|one| *one == verdicts[0]) { verdicts[0].into() } else { verdicts.join("; ") }
        });
        writeln!(page, "| {name} | {} |", fields.join(" | ")).unwrap();
    }
    page.push('\n');
}

fn by_channel(page: &mut String) {
    page.push_str("## What the sender's side asks for\n\nTo a host without TLSA records and without a policy, whose MX record DNSSEC secures. Where two verdicts stand, the second is that with a secure alternate route at hand.\n\n");
    page.push_str("| asked for | TLS, valid certificate | TLS, other certificate | no STARTTLS | refused | before TLS 1.2 | handshake failed |\n|---|---|---|---|---|---|---|\n");
    let asked: [(&str, Case); 8] = [
        ("nothing", NOTHING),
        ("guarantee", Case { g: "on", ..NOTHING }),
        ("guarantee, for an answer by the server", Case { g: "on", o: "auto_reply", ..NOTHING }),
        ("guarantee, and `TLS-Required: No`", Case { g: "on", trn: true, ..NOTHING }),
        ("strict guarantee", Case { g: "strict", ..NOTHING }),
        ("REQUIRETLS", Case { rt: true, ..NOTHING }),
        ("floor: encrypt", Case { adm: "encrypt", ..NOTHING }),
        ("floor: secure", Case { adm: "secure", ..NOTHING }),
    ];
    let channels = [
        ("ok", true),
        ("ok", false),
        ("no_starttls", false),
        ("refused", false),
        ("too_old", false),
        ("hs_fail", false),
    ];
    let bench = Bench::new();
    for (name, case) in asked {
        let fields = channels.map(|(kind, pkix)| {
            let ch = Channel { kind, pkix, rtls: false };
            let [without, with] = ["none", "secure"].map(|alt| words(bench.decide(&Case { ch, alt, ..case })));
            if without == with { without.to_owned() } else { format!("{without}; {with}") }
        });
        writeln!(page, "| {name} | {} |", fields.join(" | ")).unwrap();
    }
}
