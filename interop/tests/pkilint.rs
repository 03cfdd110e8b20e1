//! What the local authority issues, as pkilint and OpenSSL see it; and our check beside pkilint, on certificates right
//! and wrong.
#![cfg(test)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use sealpost_ca::{
    Check, KeyKind, KeyPool, LocalAuthority, MailWorkshop, Profile,
    check::Rule,
    local::{Settings, system_clock},
    testing::{self, Flaw, Forge, Forged, wait},
};
use sealpost_interop::{pkilint, pkilint_command};
use sealpost_rollover::{
    GenerationId, Layout, RevocationReason, Slot, Subject, SubjectKind, Time,
    authority::{CertificateAuthority, Submission},
    port::CertificateRecord,
    workshop::Workshop,
};

const NOW: Time = Time::from_unix(1_795_780_800);

/// What pkilint calls what our rules are about. Each of its codes stands here that a certificate of the corpus gets.
const SAME: &[(Rule, &[&str])] = &[
    (Rule::Lifetime, &["cabf.smime.certificate_validity_period_exceeds_825_days"]),
    (Rule::Validity, &["pkix.certificate_negative_validity_period"]),
    (
        Rule::KeyUsage,
        &[
            "cabf.smime.key_usage_extension_missing",
            "cabf.smime.prohibited_ku_present",
            "cabf.smime.unknown_certificate_key_usage_type",
            "pkix.both_encipheronly_and_decipheronly_ku_set",
            "pkix.ee_certificate_keycertsign_keyusage_set",
            "pkix.key_usage_value_prohibited_for_ec",
            "pkix.key_usage_value_prohibited_for_edwards_curve",
            "pkix.key_usage_value_prohibited_for_rsa",
            "pkix.no_ku_bits_set",
        ],
    ),
    (
        Rule::Purpose,
        &[
            "cabf.smime.emailprotection_eku_missing",
            "cabf.smime.extended_key_usage_extension_missing",
            "cabf.smime.prohibited_eku_present",
        ],
    ),
    (
        Rule::Policy,
        &[
            "cabf.smime.anypolicy_present",
            "cabf.smime.certificate_policies_extension_missing",
            "cabf.smime.multiple_reserved_policy_oids",
            "cabf.smime.no_required_reserved_policy_oid",
        ],
    ),
    (Rule::Address, &["cabf.smime.san_does_not_contain_email_address", "cabf.smime.san_extension_missing"]),
    (Rule::NameKind, &["cabf.smime.prohibited_generalname_type_present"]),
    (
        Rule::NameForm,
        &["cabf.internal_domain_name", "pkix.invalid_email_address_syntax", "pkix.smtp_utf8_mailbox_is_ascii_only"],
    ),
    (
        Rule::Subject,
        &[
            "cabf.smime.common_name_value_unknown_source",
            "cabf.smime.email_address_in_attribute_not_in_san",
            "cabf.smime.prohibited_attribute",
            "pkix.subject_email_address_not_in_san",
        ],
    ),
    (Rule::EmptySubject, &["pkix.san_extension_not_critical_empty_subject"]),
    (
        Rule::RevocationPlace,
        &["cabf.critical_crldp_extension", "cabf.no_http_crldp_uri", "cabf.smime.crldp_fullname_prohibited_uri_scheme"],
    ),
    (
        Rule::AuthorityPlace,
        &[
            "cabf.aia_ca_issuers_has_no_http_uri",
            "cabf.smime.aia_prohibited_uri_scheme",
            "pkix.authority_information_access_extension_critical",
        ],
    ),
    (
        Rule::NoAuthority,
        &[
            "cabf.smime.is_ca_certificate",
            // That is how it says that there is a path length and no cA: its reader stops there.
            "itu.invalid_asn1_syntax",
            "pkix.ca_certificate_keycertsign_keyusage_not_set",
        ],
    ),
    (
        Rule::AuthorityKey,
        &["cabf.authority_key_identifier_has_issuer_cert", "pkix.authority_key_identifier_extension_absent"],
    ),
    (Rule::Repeated, &["pkix.duplicate_extension"]),
    (Rule::Version, &["pkix.certificate_version_is_not_v3"]),
    (Rule::SignatureKind, &["pkix.certificate_signature_algorithm_mismatch"]),
    (Rule::KeySize, &["cabf.rsa_exponent_prohibited_value", "cabf.rsa_modulus_invalid_length"]),
    (Rule::KeyKind, &["cabf.smime.prohibited_spki_algorithm_encoding", "cabf.smime.unsupported_public_key_type"]),
];

/// Both have a rule about serial numbers, but only ours asks for 64 random bits.
const SERIAL: &str = "pkix.certificate_serial_number_out_of_range";

fn kind(profile: Profile) -> &'static str {
    match profile {
        Profile::Multipurpose => "MAILBOX-MULTIPURPOSE",
        _ => "MAILBOX-STRICT",
    }
}

/// The rules that pkilint finds broken, and what it says that has no place in [`SAME`].
fn rules(findings: &[(String, String)]) -> (BTreeSet<Rule>, Vec<&(String, String)>) {
    let rule = |code: &str| match code {
        SERIAL => Some(Rule::Serial),
        _ => SAME.iter().find(|(_, codes)| codes.contains(&code)).map(|(rule, _)| *rule),
    };
    let known = findings.iter().filter_map(|(code, _)| rule(code)).collect();
    (known, findings.iter().filter(|(code, _)| rule(code).is_none()).collect())
}

/// The rules that both have, of those that ours finds broken.
fn shared(broken: &BTreeSet<Rule>, flaws: &[Flaw]) -> BTreeSet<Rule> {
    let ours_alone = |rule: &Rule| *rule == Rule::Serial && flaws.contains(&Flaw::SerialShort);
    let both = |rule: &&Rule| **rule == Rule::Serial || SAME.iter().any(|(same, _)| same == *rule);
    broken.iter().filter(both).filter(|rule| !ours_alone(rule)).copied().collect()
}

/// A certificate of the corpus.
struct Sample {
    profile: Profile,
    name: String,
    flaws: Vec<Flaw>,
    forged: Forged,
}

fn compare(samples: &[Sample]) -> bool {
    let asked: Vec<_> =
        samples.iter().map(|sample| (Some(kind(sample.profile)), sample.forged.certificate.as_slice())).collect();
    let Some(found) = pkilint(&asked) else { return false };
    assert_eq!(found.len(), samples.len());
    let disagree: Vec<String> = samples
        .iter()
        .zip(&found)
        .filter(|(sample, found)| (shared(&sample.forged.broken, &sample.flaws), Vec::new()) != rules(found))
        .map(|(sample, found)| format!("{}: ours {:?}, pkilint {found:?}", sample.name, sample.forged.broken))
        .collect();
    assert!(disagree.is_empty(), "{} of {}:\n{}", disagree.len(), samples.len(), disagree.join("\n"));
    true
}

const KINDS: [KeyKind; 4] = [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048, KeyKind::Rsa3072];
const ADDRESSES: [&str; 3] = ["anna@example.org", "änne@example.org", "example.org"];

static FORGES: LazyLock<Vec<(Profile, Forge)>> = LazyLock::new(|| {
    Profile::ALL.into_iter().map(|profile| (profile, Forge::new(profile, &KINDS, NOW).unwrap())).collect()
});

fn sample((profile, forge): &(Profile, Forge), key: KeyKind, (slot, address): (Slot, &str), flaws: &[Flaw]) -> Sample {
    let forged = forge.make(key, slot, address, flaws).unwrap();
    let name = format!("{profile:?} {key:?} {slot:?} {address} {flaws:?}");
    Sample { profile: *profile, name, flaws: flaws.to_vec(), forged }
}

/// Of every kind that the authority issues: profile, key, slot, address.
#[test]
fn pkilint_finds_nothing_wrong_with_what_the_local_authority_issues() {
    let mut samples = Vec::new();
    for forge in FORGES.iter() {
        for key in KINDS {
            for slot in Slot::ALL {
                let long = format!("{}@example.org", "a".repeat(60));
                for address in ADDRESSES.into_iter().chain([long.as_str()]) {
                    samples.push(sample(forge, key, (slot, address), &[]));
                }
            }
        }
    }
    assert_eq!(samples.len(), 2 * 4 * 3 * 4);
    assert!(samples.iter().all(|sample| sample.forged.broken.is_empty()));
    // By the type that each says it is of.
    let asked: Vec<_> = samples.iter().map(|sample| (None, sample.forged.certificate.as_slice())).collect();
    let Some(found) = pkilint(&asked) else { return };
    for (sample, found) in samples.iter().zip(found) {
        assert_eq!(found, [], "{}", sample.name);
    }
    // And as anybody would call it.
    let folder = tempfile::tempdir().unwrap();
    for sample in samples.iter().step_by(samples.len() / 2) {
        let file = file(folder.path(), "leaf.pem", &pem("CERTIFICATE", &sample.forged.certificate));
        let args = ["lint", "-d", "-s", "ERROR", "-f", "JSON", file.to_str().unwrap()];
        let output = pkilint_command("lint_cabf_smime_cert", &args).unwrap();
        assert!(output.status.success(), "{}: {}", sample.name, String::from_utf8_lossy(&output.stdout));
    }
}

/// Each flaw alone, with every kind of key.
#[test]
fn each_flaw_is_found_by_our_check_and_by_pkilint_where_it_can_see_it() {
    let mut samples = Vec::new();
    for forge in FORGES.iter() {
        for key in [KeyKind::P256, KeyKind::Rsa2048] {
            for flaw in Flaw::ALL {
                let sample = sample(forge, key, (Slot::Dual, ADDRESSES[0]), &[*flaw]);
                if let Some(rule) = flaw.breaks() {
                    assert!(sample.forged.broken.contains(&rule), "{}: {:?}", sample.name, sample.forged.broken);
                }
                samples.push(sample);
            }
        }
    }
    assert!(samples.len() > 200);
    compare(&samples);
}

/// Random kinds of certificates with none to three random flaws. What only one of both can see is not compared: ours
/// alone looks whether it is what was asked for, who signed it, what time it is, how long a serial number is and whether
/// there is a revocation list; pkilint alone at what no flaw here is about.
#[test]
fn our_check_and_pkilint_agree_on_every_certificate_of_a_random_corpus() {
    let mut state = 0x5ea1_u64;
    let mut random = |below: usize| {
        // Knuth's MMIX generator: the same corpus each time.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let samples: Vec<Sample> = (0..200)
        .map(|_| {
            let forge = &FORGES[random(FORGES.len())];
            let flaws: Vec<Flaw> = (0..random(4)).map(|_| Flaw::ALL[random(Flaw::ALL.len())]).collect();
            let (key, slot) = (KINDS[random(KINDS.len())], Slot::ALL[random(Slot::ALL.len())]);
            sample(forge, key, (slot, ADDRESSES[random(ADDRESSES.len())]), &flaws)
        })
        .collect();
    let right = samples.iter().filter(|sample| sample.forged.broken.is_empty()).count();
    assert!((40..160).contains(&right), "{right} of {} are right", samples.len());
    if compare(&samples) {
        println!("{} certificates, {right} of them right: 0 disagreements", samples.len());
    }
}

/// An authority with keys of one kind, and three certificates: one is revoked.
struct Issued {
    folder: tempfile::TempDir,
    authority: LocalAuthority,
    certificates: Vec<CertificateRecord>,
}

impl Issued {
    fn new(key: KeyKind) -> Self {
        let settings = Settings::new("Interop", "http://ca.example.com").authority_key(key);
        let authority = LocalAuthority::in_memory(settings, system_clock()).unwrap();
        let workshop =
            MailWorkshop::new(KeyPool::new(KeyKind::P256, 0), Check::new(std::slice::from_ref(authority.root())));
        let certificates: Vec<_> = ["a@example.org", "b@example.org", "ç@example.org"]
            .into_iter()
            .map(|address| {
                let subject = Subject::new(SubjectKind::Mailbox, address, Layout::Dual, NOW).unwrap();
                let id = GenerationId::new(subject.id, Slot::Dual, 1);
                let made = wait(workshop.make_key(&subject, id)).unwrap();
                match testing::submit(&authority, &subject, id, &made) {
                    Submission::Issued { issued, .. } => workshop.read(&issued).unwrap(),
                    other => panic!("{other:?}"),
                }
            })
            .collect();
        wait(authority.revoke(&certificates[1], RevocationReason::KeyCompromise)).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), authority, certificates }
    }

    fn file(&self, name: &str, label: &str, der: &[u8]) -> String {
        file(self.folder.path(), name, &pem(label, der)).to_str().unwrap().to_owned()
    }

    fn chain(&self) -> [String; 2] {
        let [root, issuing] = [self.authority.root(), self.authority.issuing()];
        [self.file("root.pem", "CERTIFICATE", root.as_der()), self.file("issuing.pem", "CERTIFICATE", issuing.as_der())]
    }
}

#[test]
fn openssl_trusts_the_chain_and_reads_the_revocation_lists() {
    for key in [KeyKind::P256, KeyKind::Rsa2048] {
        let issued = Issued::new(key);
        let [root, issuing] = issued.chain();
        let [list, root_list] = [issued.authority.crl().unwrap(), issued.authority.root_crl().unwrap()];
        let lists = [issued.file("issuing.crl", "X509 CRL", &list), issued.file("root.crl", "X509 CRL", &root_list)];
        for (number, certificate) in issued.certificates.iter().enumerate() {
            let leaf = issued.file(&format!("{number}.pem"), "CERTIFICATE", &certificate.der);
            let chain = ["verify", "-x509_strict", "-purpose", "smimesign", "-CAfile", &root, "-untrusted", &issuing];
            let plain = openssl(&[&chain[..], &[&leaf]].concat());
            assert!(plain.0, "{}", plain.1);
            let crls = ["-crl_check_all", "-CRLfile", &lists[0], "-CRLfile", &lists[1], &leaf];
            let (fine, said) = openssl(&[&chain[..], &crls].concat());
            assert_eq!(fine, number != 1, "{said}");
            assert!(fine || said.contains("certificate revoked"), "{said}");
        }
        for (list, kind) in lists.iter().zip(["CRL", "ARL"]) {
            let args = ["lint", "-t", kind, "-p", "BR", "-s", "ERROR", list];
            let Some(output) = pkilint_command("lint_crl", &args) else { return };
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
    }
}

#[test]
fn openssl_asks_by_ocsp_and_believes_the_answers() {
    for key in [KeyKind::P256, KeyKind::Rsa2048] {
        let issued = Issued::new(key);
        let [root, issuing] = issued.chain();
        let [request, answer] = ["request.der", "answer.der"].map(|name| issued.folder.path().join(name));
        for (number, certificate) in issued.certificates.iter().enumerate() {
            let leaf = issued.file("leaf.pem", "CERTIFICATE", &certificate.der);
            for hash in ["-sha1", "-sha256"] {
                let about = ["ocsp", "-issuer", &issuing, hash, "-cert", &leaf];
                let out = [about.as_slice(), &["-reqout", text(&request)]].concat();
                assert!(openssl(&out).0);
                fs::write(&answer, issued.authority.ocsp(&fs::read(&request).unwrap())).unwrap();
                // With the request and no new nonce, so that the one of the request is compared, too.
                let input = ["ocsp", "-issuer", &issuing, hash, "-cert", &leaf, "-no_nonce", "-reqin", text(&request)];
                let trust = ["-respin", text(&answer), "-CAfile", &root, "-verify_other", &issuing];
                let (fine, said) = openssl(&[&input[..], &trust].concat());
                assert!(fine && said.contains("Response verify OK"), "{said}");
                let state = if number == 1 { ": revoked" } else { ": good" };
                assert!(said.contains(state), "{said}");
                assert!(!said.contains("WARNING") && !said.contains("Nonce Verify error"), "{said}");
            }
        }
        let args = ["lint", "-s", "ERROR", text(&answer)];
        let Some(output) = pkilint_command("lint_ocsp_response", &args) else { return };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Whether it succeeded, and all that it said.
fn openssl(args: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(args).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
