//! NIST's Public Key Interoperability Test Suite (PKITS 1.0.1): each of its certificates and mails with the verdict of
//! its document, section 4. For certificates all others and all lists of the suite are given at once, so the path must
//! be found too; mails have the certificates in them.

use std::{collections::BTreeMap, fs, path::Path as FilePath};

use der::oid::ObjectIdentifier;
use sealpost_smime::{
    Certificate, UnixTime, Verifier,
    path::{PolicyRules, Purpose, RevocationPolicy, Validator},
};
use sealpost_testkit::tally::Tally;

use super::support::{files, folder, judged, mails};

const FOLDER: &str = "pyca/cryptography_vectors/x509/PKITS_data";
/// 2026-11-27T12:00:00Z; the suite is valid from 2010 to 2030.
const AT: UnixTime = UnixTime(1_795_780_800);

/// Verdicts where a name does not begin with Valid or Invalid (sections 4.8 and 4.12), in default settings.
const NAMED_OTHERWISE: [(&str, bool); 20] = [
    ("AllCertificatesNoPoliciesTest2EE", true),
    ("DifferentPoliciesTest3EE", true),
    ("DifferentPoliciesTest4EE", false),
    ("DifferentPoliciesTest5EE", false),
    ("OverlappingPoliciesTest6EE", true),
    ("DifferentPoliciesTest7EE", false),
    ("DifferentPoliciesTest8EE", false),
    ("DifferentPoliciesTest9EE", false),
    ("AllCertificatesSamePoliciesTest10EE", true),
    ("AllCertificatesanyPolicyTest11EE", true),
    ("DifferentPoliciesTest12EE", false),
    ("AllCertificatesSamePoliciesTest13EE", true),
    ("AnyPolicyTest14EE", true),
    ("UserNoticeQualifierTest15EE", true),
    ("UserNoticeQualifierTest16EE", true),
    ("UserNoticeQualifierTest17EE", true),
    ("UserNoticeQualifierTest18EE", true),
    ("UserNoticeQualifierTest19EE", true),
    ("CPSPointerQualifierTest20EE", true),
    ("inhibitAnyPolicyTest3EE", true),
];

/// What is not as the document says, and why.
const DELIBERATE: [(&str, &str); 2] =
    [("ValidDSASignaturesTest4EE", DSA), ("ValidDSAParameterInheritanceTest5EE", DSA)];
const DSA: &str = "DSA is not supported; RFC 8550 has it only for mails of the past";

/// Verdicts by settings: the certificate, what is asked for, whether it is valid. Numbers are NIST test policies.
/// The letters: `e` initial-explicit-policy, `m` initial-policy-mapping-inhibit, `a` initial-inhibit-any-policy.
const SETTINGS: [(&str, &str, &[u8], bool); 48] = [
    ("ValidCertificatePathTest1EE", "e", &[], true),
    ("ValidCertificatePathTest1EE", "e", &[1], true),
    ("ValidCertificatePathTest1EE", "e", &[2], false),
    ("ValidCertificatePathTest1EE", "e", &[1, 2], true),
    ("AllCertificatesNoPoliciesTest2EE", "e", &[], false),
    ("DifferentPoliciesTest3EE", "e", &[], false),
    ("DifferentPoliciesTest3EE", "e", &[1, 2], false),
    ("OverlappingPoliciesTest6EE", "", &[1], true),
    ("OverlappingPoliciesTest6EE", "", &[2], false),
    ("AllCertificatesSamePoliciesTest10EE", "", &[1], true),
    ("AllCertificatesSamePoliciesTest10EE", "", &[2], true),
    ("AllCertificatesanyPolicyTest11EE", "", &[1], true),
    ("AllCertificatesSamePoliciesTest13EE", "", &[1], true),
    ("AllCertificatesSamePoliciesTest13EE", "", &[2], true),
    ("AllCertificatesSamePoliciesTest13EE", "", &[3], true),
    ("AnyPolicyTest14EE", "", &[1], true),
    ("AnyPolicyTest14EE", "", &[2], false),
    ("UserNoticeQualifierTest18EE", "", &[1], true),
    ("UserNoticeQualifierTest18EE", "", &[2], true),
    ("UserNoticeQualifierTest19EE", "e", &[], true),
    ("ValidrequireExplicitPolicyTest1EE", "", &[], true),
    ("ValidrequireExplicitPolicyTest2EE", "", &[], true),
    ("ValidPolicyMappingTest1EE", "", &[1], true),
    ("ValidPolicyMappingTest1EE", "", &[2], false),
    ("ValidPolicyMappingTest1EE", "m", &[], false),
    ("InvalidPolicyMappingTest2EE", "", &[], false),
    ("InvalidPolicyMappingTest2EE", "m", &[], false),
    ("ValidPolicyMappingTest3EE", "", &[1], false),
    ("ValidPolicyMappingTest3EE", "", &[2], true),
    ("ValidPolicyMappingTest5EE", "", &[1], true),
    ("ValidPolicyMappingTest5EE", "", &[6], false),
    ("ValidPolicyMappingTest6EE", "", &[1], true),
    ("ValidPolicyMappingTest6EE", "", &[6], false),
    ("ValidPolicyMappingTest12EE", "", &[1], true),
    ("ValidPolicyMappingTest12EE", "", &[2], true),
    // Not in the document; OpenSSL says the same.
    ("ValidPolicyMappingTest9EE", "", &[1], true),
    ("ValidPolicyMappingTest9EE", "", &[2], false),
    ("ValidPolicyMappingTest11EE", "", &[1], true),
    ("ValidPolicyMappingTest11EE", "", &[2], false),
    ("ValidPolicyMappingTest13EE", "", &[1], true),
    ("ValidPolicyMappingTest13EE", "", &[2], false),
    ("ValidPolicyMappingTest14EE", "", &[1], true),
    ("ValidPolicyMappingTest14EE", "", &[2], false),
    ("ValidinhibitAnyPolicyTest2EE", "", &[], true),
    ("inhibitAnyPolicyTest3EE", "", &[], true),
    ("inhibitAnyPolicyTest3EE", "a", &[], false),
    ("ValidSelfIssuedinhibitAnyPolicyTest7EE", "", &[], true),
    ("ValidSelfIssuedinhibitAnyPolicyTest9EE", "", &[], true),
];

struct Suite {
    certificates: BTreeMap<String, Certificate>,
    validator: Validator,
    tally: Tally,
}

impl Suite {
    fn read(folder: &FilePath) -> Self {
        let certificates: BTreeMap<String, Certificate> = files(&folder.join("certs"))
            .iter()
            .map(|(name, der)| (name.trim_end_matches(".crt").to_owned(), Certificate::from_der(der).unwrap()))
            .collect();
        let all: Vec<_> = certificates.values().cloned().collect();
        let validator = validator(folder).intermediates(&all);
        Self { certificates, validator, tally: Tally::new("PKITS: paths") }
    }

    fn judge(&mut self, name: &str, rules: &PolicyRules, valid: bool) {
        let verdict = self.validator.clone().policies(rules.clone()).validate(&self.certificates[name], &[]);
        let said = verdict.as_ref().map_or_else(ToString::to_string, |_| "valid".to_owned());
        println!("{name}: {said}");
        match DELIBERATE.iter().find(|(deliberate, _)| *deliberate == name) {
            Some((_, why)) if verdict.is_err() => self.tally.deliberate(why),
            _ => self.tally.check(verdict.is_ok() == valid, format!("{name} {rules:?}: {said}")),
        }
    }
}

/// Trusts the suite's anchor, and has all its lists.
fn validator(folder: &FilePath) -> Validator {
    let anchor =
        Certificate::from_der(&fs::read(folder.join("certs/TrustAnchorRootCertificate.crt")).unwrap()).unwrap();
    let validator = Validator::new(&[anchor], AT, Purpose::EmailSigning).revocation(RevocationPolicy::Require);
    files(&folder.join("crls")).iter().fold(validator, |validator, (_, list)| validator.crl(list).unwrap())
}

/// The verdict on a certificate by its name.
fn is_valid(name: &str) -> bool {
    let otherwise = NAMED_OTHERWISE.iter().find(|(other, _)| *other == name);
    let valid = otherwise.map_or_else(|| name.starts_with("Valid"), |(_, valid)| *valid);
    assert!(otherwise.is_some() || valid || name.starts_with("Invalid"), "{name} has no verdict");
    valid
}

fn rules(letters: &str, policies: &[u8]) -> PolicyRules {
    let policy = |number: &u8| ObjectIdentifier::new(&format!("2.16.840.1.101.3.2.1.48.{number}")).unwrap();
    let mut rules = PolicyRules::default().acceptable(policies.iter().map(policy));
    for letter in letters.chars() {
        rules = match letter {
            'e' => rules.require_explicit(),
            'm' => rules.inhibit_mapping(),
            'a' => rules.inhibit_any(),
            _ => panic!("{letter}"),
        };
    }
    rules
}

#[test]
fn every_path_of_the_suite_is_judged_as_its_document_says() {
    let Some(folder) = folder(FOLDER) else { return };
    let mut suite = Suite::read(&folder);
    let names: Vec<String> = suite.certificates.keys().filter(|name| name.ends_with("EE")).cloned().collect();
    for name in &names {
        suite.judge(name, &PolicyRules::default(), is_valid(name));
    }
    for (name, letters, policies, valid) in SETTINGS {
        suite.judge(name, &rules(letters, policies), valid);
    }
    assert_eq!(names.len(), 223, "the suite is not whole");
    suite.tally.report();
}

/// Mails that are not called as the certificate of their signer, and their verdicts.
const MAILS_NAMED_OTHERWISE: [(&str, bool); 3] =
    [("AllCertificatesAnyPolicyTest11", true), ("AllCertificatesSamePolicyTest1", true), ("MissingCRLTest1", false)];

#[test]
fn every_mail_of_the_suite_is_judged_as_its_path_is() {
    let Some(folder) = folder(FOLDER) else { return };
    let verifier = Verifier::new(validator(&folder));
    let mut tally = Tally::new("PKITS: mails");
    for (name, mail) in mails(&folder.join("smime")) {
        let test = name.trim_start_matches("Signed").trim_end_matches(".eml");
        let otherwise = MAILS_NAMED_OTHERWISE.iter().find(|(mail, _)| *mail == test);
        let certificate = format!("{test}EE");
        let valid = otherwise.map_or_else(|| is_valid(&certificate), |(_, valid)| *valid);
        let said = judged(&verifier, &mail);
        // Most certificates have no address, which is another finding than what the suite is about.
        let trusted = said == "valid" || said == "identity: no-address";
        match DELIBERATE.iter().find(|(deliberate, _)| *deliberate == certificate) {
            Some((_, why)) if said.starts_with("invalid: the algorithm") => tally.deliberate(why),
            _ => tally.check(trusted == valid && (trusted || is_about(&certificate, &said)), format!("{name}: {said}")),
        }
    }
    assert_eq!(tally.count(), 224);
    tally.report();
}

/// Whether what is said is what is wrong: all signatures of mails are sound, but for DSA.
fn is_about(certificate: &str, said: &str) -> bool {
    if certificate.contains("DSA") { said.starts_with("invalid: the algorithm") } else { said.starts_with("untrusted") }
}
