//! "Johnny, you are fired!" (USENIX Security 2019): mails that look as if somebody else had signed them.

use std::{io::Cursor, path::Path};

use sealpost_smime::{Error, Verdict, Verifier};
use sealpost_testkit::tally::Tally;

use super::support::{certificates, folder, judged, mails, verifier};

/// The signers' certificates expired on 2022-02-14.
const AT: &str = "2019-06-01T00:00:00Z";

const CHANGED: &str = "invalid: the content is not what was signed (2 signers)";
const TWICE: &str = "invalid: the signature has a second content in it";
const NOBODY: &str = "refused: there is no signer";
const PART: &str = "refused: not a signed mail: only its part 2 is signed";

/// The certificate is Eve's, and so is the address in From. The name beside it says "The Manager", which no certificate
/// can be asked about: whom the mail is from says the address, and that is what is reported as verified.
const OWN_ADDRESS: &str =
    "From is the signer's own address; the display name beside it is worth nothing and not reported";

/// What each mail is judged to be.
const VERDICTS: [(&str, &str); 30] = [
    ("01-cms/c1_eContent-confusion/eContent_confusion.eml", TWICE),
    ("01-cms/c1_eContent-confusion/eContent_confusion_refinement.eml", TWICE),
    ("01-cms/c2_multiple-signerInfos/multiple_signerInfos_append_johnny.eml", CHANGED),
    ("01-cms/c2_multiple-signerInfos/multiple_signerInfos_prepend_johnny.eml", CHANGED),
    ("01-cms/c3_no-signerInfos/no certificates/no_signerInfos_no_certificates_detached.eml", NOBODY),
    ("01-cms/c3_no-signerInfos/no_signerInfos_detached.eml", NOBODY),
    ("01-cms/crashes/crash_01.eml", "refused: SignedData: an element is missing"),
    ("01-cms/valid_email_from_manager.eml", "valid"),
    ("03-mime/m1-prepending-text/m1-smime.eml", PART),
    ("03-mime/m2-hiding-with-html/m2-smime-mix.eml", PART),
    ("03-mime/m3-hiding-in-reference/m3-smime.eml", PART),
    ("03-mime/m4-hiding-as-attachment/m4-smime.eml", PART),
    ("04-id/i1-sender-signer-checks/i1-from-unequals-signer-smime.eml", "identity: mismatch"),
    ("04-id/i2-display-name-confusion/i2-from-contains-signer-smime.eml", "valid"),
    ("04-id/i2-display-name-confusion/i2-from-is-empty-smime.eml", "identity: no-from"),
    ("04-id/i2-display-name-confusion/i2-from-is-nonexistent-smime.eml", "identity: no-from"),
    ("04-id/i2-display-name-confusion/i2-from-is-only-a-name-smime.eml", "identity: unreadable-from"),
    ("04-id/i2-display-name-confusion/i2-from-is-sender-signer-a-smime.eml", "identity: misleading-name"),
    ("04-id/i2-display-name-confusion/i2-from-is-sender-signer-b-smime.eml", "identity: misleading-name"),
    ("04-id/i2-display-name-confusion/i2-from-is-signer-sender-a-smime.eml", "identity: mismatch"),
    ("04-id/i2-display-name-confusion/i2-from-is-signer-sender-b-smime.eml", "identity: mismatch"),
    ("04-id/i3-from-sender-confusion/i3-from-is-sender-sender-signer-smime.eml", "identity: ambiguous-from"),
    ("04-id/i3-from-sender-confusion/i3-from-is-sender-signer-sender-smime.eml", "identity: ambiguous-from"),
    ("04-id/i3-from-sender-confusion/i3-from-sender-others-signer-smime.eml", "identity: sender-only"),
    ("04-id/i3-from-sender-confusion/i3-from-signer-others-sender-smime.eml", "valid"),
    ("04-id/i3-from-sender-confusion/i3-from1-sender-from2-signer-smime.eml", "identity: ambiguous-from"),
    ("04-id/i3-from-sender-confusion/i3-from1-signer-from2-sender-smime.eml", "identity: ambiguous-from"),
    ("05-ui/u1-ui-redressing/u1-generic.eml", "refused: not a signed mail: it is text/html"),
    ("assets/valid-signed/eve-smime.eml", "valid"),
    ("assets/valid-signed/manager-smime.eml", "valid"),
];

fn trusting(folder: &Path, at: &str) -> Verifier {
    verifier(&certificates(&folder.join("assets/certificates/intermediate_ca.crt")), at)
}

#[test]
fn every_attack_is_refused_and_honest_mails_are_not() {
    let Some(folder) = folder("johnny") else { return };
    let verifier = trusting(&folder, AT);
    let mut tally = Tally::new("Johnny");
    for (name, mail) in mails(&folder) {
        let said = judged(&verifier, &mail);
        let expected = VERDICTS.iter().find(|(file, _)| *file == name).map(|(_, verdict)| *verdict);
        let honest = name.starts_with("assets/") || name == "01-cms/valid_email_from_manager.eml";
        let right = expected == Some(&said);
        if right && said == "valid" && !honest {
            tally.deliberate(OWN_ADDRESS);
        } else {
            tally.check(right, format!("{name}: {said}"));
        }
    }
    assert_eq!(tally.count(), 30);
    tally.report();
}

#[test]
fn what_is_not_sound_gives_no_content() {
    let Some(folder) = folder("johnny") else { return };
    let verifier = trusting(&folder, AT);
    for (name, mail) in mails(&folder) {
        let Ok(verification) = verifier.verify(&mut Cursor::new(&mail)) else { continue };
        let mut content = Vec::new();
        let written = verification.write_content(&mut Cursor::new(&mail), &mut content);
        if verification.verdict() == Verdict::Invalid {
            assert!(matches!(written, Err(Error::NotThis { .. })) && content.is_empty(), "{name}");
        } else {
            assert!(written.is_ok() && u64::try_from(content.len()) == Ok(verification.octets()), "{name}");
        }
    }
}

#[test]
fn at_another_time_and_for_another_authority_nobody_is_trusted() {
    let Some(folder) = folder("johnny") else { return };
    let mail = std::fs::read(folder.join("assets/valid-signed/eve-smime.eml")).unwrap();
    let late = judged(&trusting(&folder, "2026-11-27T00:00:00Z"), &mail);
    assert!(late.starts_with("untrusted: it expired at 2022-02-14"), "{late}");
    let foreign = judged(&verifier(&[], AT), &mail);
    assert!(foreign.starts_with("untrusted: no trusted certificate of its issuer is known"), "{foreign}");
}
