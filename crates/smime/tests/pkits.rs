//! NIST's Public Key Interoperability Test Suite (PKITS 1.0.1): each of its certificates with the verdict of its
//! document, section 4. All certificates and lists of the suite are given at once, so the path must be found too.

#![cfg(test)]

use std::{collections::BTreeMap, fs, path::Path as FilePath};

use der::oid::ObjectIdentifier;
use sealpost_smime::{
    Certificate, UnixTime,
    path::{PolicyRules, Purpose, RevocationPolicy, Validator},
};

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
const DELIBERATE: [(&str, &str); 2] = [
    ("ValidDSASignaturesTest4EE", "DSA is not supported (RFC 8550 has it only for the past)"),
    ("ValidDSAParameterInheritanceTest5EE", "DSA is not supported"),
];

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
    passed: usize,
    deliberate: usize,
    failed: Vec<String>,
}

impl Suite {
    fn read(folder: &FilePath) -> Self {
        let files = |name| {
            let mut files: Vec<_> = fs::read_dir(folder.join(name)).unwrap().map(|file| file.unwrap().path()).collect();
            files.sort();
            files
        };
        let certificates: BTreeMap<String, Certificate> = files("certs")
            .iter()
            .map(|file| {
                let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
                (name, Certificate::from_der(&fs::read(file).unwrap()).unwrap())
            })
            .collect();
        let anchor = certificates["TrustAnchorRootCertificate"].clone();
        let all: Vec<_> = certificates.values().cloned().collect();
        let mut validator = Validator::new(&[anchor], AT, Purpose::EmailSigning)
            .intermediates(&all)
            .revocation(RevocationPolicy::Require);
        for file in files("crls") {
            validator = validator.crl(&fs::read(file).unwrap()).unwrap();
        }
        Self { certificates, validator, passed: 0, deliberate: 0, failed: Vec::new() }
    }

    fn judge(&mut self, name: &str, rules: &PolicyRules, valid: bool) {
        let verdict = self.validator.clone().policies(rules.clone()).validate(&self.certificates[name], &[]);
        let said: &dyn std::fmt::Display = match &verdict {
            Ok(_) => &"valid",
            Err(distrust) => distrust,
        };
        if verdict.is_ok() == valid {
            println!("{name}: {said}");
            self.passed += 1;
        } else if let Some((_, why)) = DELIBERATE.iter().find(|(deliberate, _)| *deliberate == name) {
            println!("{name}: deliberately not valid: {why}; said: {said}");
            self.deliberate += 1;
        } else {
            self.failed.push(format!("{name} {rules:?}: {said}"));
        }
    }
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
    let Some(vectors) = sealpost_testkit::vectors() else { return };
    let mut suite = Suite::read(&vectors.join("smime/pyca/cryptography_vectors/x509/PKITS_data"));
    let names: Vec<String> = suite.certificates.keys().filter(|name| name.ends_with("EE")).cloned().collect();
    for name in &names {
        let otherwise = NAMED_OTHERWISE.iter().find(|(other, _)| other == name);
        let valid = otherwise.map_or_else(|| name.starts_with("Valid"), |(_, valid)| *valid);
        assert!(otherwise.is_some() || valid || name.starts_with("Invalid"), "{name} has no verdict");
        suite.judge(name, &PolicyRules::default(), valid);
    }
    for (name, letters, policies, valid) in SETTINGS {
        suite.judge(name, &rules(letters, policies), valid);
    }
    println!("vectors PKITS: passed {}, deliberate {}, failed {}", suite.passed, suite.deliberate, suite.failed.len());
    assert!(suite.failed.is_empty(), "{:#?}", suite.failed);
    assert_eq!(names.len(), 223, "the suite is not whole");
    assert_eq!(suite.deliberate, DELIBERATE.len());
}
