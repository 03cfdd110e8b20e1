//! What a bounce says to people. A language is a table of this form; one that lacks a sentence does not compile.
//!
//! Names in braces are filled in: `{host}`, `{until}`, `{key}`.

use crate::explain::Language;

/// The sentences of one language.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) greeting: &'static str,
    pub(super) not_sent: &'static str,
    pub(super) others: &'static str,
    pub(super) header_only: &'static str,
    pub(super) causes: Causes,
    pub(super) askers: Askers,
    pub(super) what_now: &'static str,
    pub(super) other_address: &'static str,
    pub(super) end_to_end: &'static str,
    pub(super) once: &'static str,
    pub(super) once_by_key: &'static str,
    pub(super) switch_off: &'static str,
    pub(super) ask_administrator: &'static str,
    pub(super) sent_folder: &'static str,
    pub(super) below: &'static str,
}

/// What is wrong with the way to a recipient.
#[derive(Debug)]
pub(super) struct Causes {
    pub(super) not_offered: &'static str,
    pub(super) refused: &'static str,
    pub(super) too_old: &'static str,
    pub(super) handshake: &'static str,
    pub(super) certificate: &'static str,
    pub(super) name: &'static str,
    pub(super) dns: &'static str,
    pub(super) requiretls: &'static str,
    pub(super) address: &'static str,
    pub(super) unreachable: &'static str,
    pub(super) null_mx: &'static str,
    pub(super) no_such_domain: &'static str,
    pub(super) other: &'static str,
}

/// Who asks for a safe way.
#[derive(Debug)]
pub(super) struct Askers {
    pub(super) guarantee: &'static str,
    pub(super) compliance: &'static str,
    pub(super) requiretls: &'static str,
    pub(super) administrator: &'static str,
    pub(super) recipient: &'static str,
}

pub(super) const fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::German => &GERMAN,
    }
}

const ENGLISH: Words = Words {
    greeting: "This is the mail server {host}.",
    not_sent: "Your mail was not sent to the recipients that are named below.",
    others: "Other recipients of the mail are not concerned.",
    header_only: "Only the header of your mail is attached, since the mail itself may not travel insecurely.",
    causes: Causes {
        not_offered: "The recipient's mail server offers no encryption (TLS). Your mail would have travelled in the \
            clear, for everybody on its way to read.",
        refused: "The recipient's mail server announces encryption (TLS) and then refuses to begin with it.",
        too_old: "The recipient's mail server offers only versions of TLS that are too old.",
        handshake: "No encrypted connection (TLS) to the recipient's mail server came about.",
        certificate: "The recipient's mail server did not prove who it is: its certificate is not valid for it.",
        name: "Nothing proves that the mail server which answers is the right one for the recipient's domain.",
        dns: "What the recipient's domain publishes about its mail server's certificate (DANE) is missing or could not \
            be looked up.",
        requiretls: "The recipient's mail server does not promise to keep the mail encrypted on the rest of its way \
            (REQUIRETLS).",
        address: "The recipient's mail server has no name, only an address: it can't prove who it is.",
        unreachable: "The recipient's mail server could not be reached.",
        null_mx: "The recipient's domain takes no mail at all.",
        no_such_domain: "The recipient's domain does not exist. Is the address written correctly?",
        other: "The mail could not be delivered.",
    },
    askers: Askers {
        guarantee: "You switched on the TLS sending guarantee. That is why the mail was stopped and not sent insecurely.",
        compliance: "Your organisation demands a safe way to this recipient.",
        requiretls: "The mail itself demands a safe way on all of its route (REQUIRETLS).",
        administrator: "Your mail server's administrator demands a safe way to this recipient.",
        recipient: "The recipient's domain itself demands that mail to it travels safely.",
    },
    what_now: "What you can do:",
    other_address: "Ask the recipient for another address, at a provider that encrypts, and write there.",
    end_to_end: "Encrypt the mail itself (end to end, with OpenPGP or S/MIME). Then nobody on its way can read its \
        content, also if you send it without TLS.",
    once: "Send this mail once without the guarantee to this recipient, until {until}:",
    once_by_key: "Send this mail once without the guarantee to this recipient, until {until}, with this key:",
    switch_off: "Switch the guarantee off for some time and send the mail again. Let it switch itself on again by an end \
        time, or do not forget to.",
    ask_administrator: "Ask your administrator.",
    sent_folder: "Your mail may lie in your folder of sent mails, although it was not sent to these recipients. To send \
        it again, open it there as a new mail.",
    below: "What follows is for programs, and for your postmaster.",
};

const GERMAN: Words = Words {
    greeting: "Hier ist der Mailserver {host}.",
    not_sent: "Ihre Mail wurde an die unten genannten Empfänger nicht gesendet.",
    others: "Andere Empfänger der Mail sind nicht betroffen.",
    header_only: "Angehängt ist nur der Kopf Ihrer Mail, denn die Mail selbst darf nicht unsicher übertragen werden.",
    causes: Causes {
        not_offered: "Der Mailserver des Empfängers bietet keine Verschlüsselung (TLS) an. Ihre Mail wäre im Klartext \
            übertragen worden, auf ihrem Weg für alle lesbar.",
        refused: "Der Mailserver des Empfängers kündigt Verschlüsselung (TLS) an, lehnt sie dann aber ab.",
        too_old: "Der Mailserver des Empfängers bietet nur zu alte Versionen von TLS an.",
        handshake: "Mit dem Mailserver des Empfängers kam keine verschlüsselte Verbindung (TLS) zustande.",
        certificate: "Der Mailserver des Empfängers hat nicht nachgewiesen, dass er es ist: Sein Zertifikat ist für ihn \
            nicht gültig.",
        name: "Nichts beweist, dass der Mailserver, der antwortet, für die Domain des Empfängers zuständig ist.",
        dns: "Was die Domain des Empfängers über das Zertifikat ihres Mailservers veröffentlicht (DANE), fehlt oder war \
            nicht abrufbar.",
        requiretls: "Der Mailserver des Empfängers sagt nicht zu, die Mail auch auf dem weiteren Weg zu verschlüsseln \
            (REQUIRETLS).",
        address: "Der Mailserver des Empfängers hat keinen Namen, nur eine Adresse: Er kann nicht nachweisen, wer er \
            ist.",
        unreachable: "Der Mailserver des Empfängers war nicht erreichbar.",
        null_mx: "Die Domain des Empfängers nimmt überhaupt keine Mails an.",
        no_such_domain: "Die Domain des Empfängers gibt es nicht. Ist die Adresse richtig geschrieben?",
        other: "Die Mail konnte nicht zugestellt werden.",
    },
    askers: Askers {
        guarantee: "Sie haben die TLS-Versand-Garantie eingeschaltet. Deshalb wurde die Mail angehalten und nicht \
            unsicher gesendet.",
        compliance: "Ihre Organisation verlangt einen sicheren Weg zu diesem Empfänger.",
        requiretls: "Die Mail selbst verlangt einen sicheren Weg auf der ganzen Strecke (REQUIRETLS).",
        administrator: "Die Verwaltung Ihres Mailservers verlangt einen sicheren Weg zu diesem Empfänger.",
        recipient: "Die Domain des Empfängers selbst verlangt, dass Mails an sie sicher übertragen werden.",
    },
    what_now: "Was Sie tun können:",
    other_address: "Fragen Sie den Empfänger nach einer anderen Adresse bei einem Anbieter, der verschlüsselt, und \
        schreiben Sie dorthin.",
    end_to_end: "Verschlüsseln Sie die Mail selbst (Ende zu Ende, mit OpenPGP oder S/MIME). Dann kann auf ihrem Weg \
        niemand den Inhalt lesen, auch wenn Sie sie ohne TLS senden.",
    once: "Senden Sie diese Mail einmalig ohne die Garantie an diesen Empfänger, bis {until}:",
    once_by_key: "Senden Sie diese Mail einmalig ohne die Garantie an diesen Empfänger, bis {until}, mit diesem \
        Schlüssel:",
    switch_off: "Schalten Sie die Garantie für einige Zeit aus und senden Sie die Mail erneut. Lassen Sie sie sich zu \
        einer Endzeit von selbst wieder einschalten, oder denken Sie daran, es zu tun.",
    ask_administrator: "Fragen Sie Ihre Verwaltung.",
    sent_folder: "Ihre Mail liegt möglicherweise im Ordner der gesendeten Mails, obwohl sie an diese Empfänger nicht \
        gesendet wurde. Um sie erneut zu senden, öffnen Sie sie dort als neue Mail.",
    below: "Was folgt, ist für Programme und für Ihren Postmaster.",
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Every sentence of a language, in the order of the table.
    fn all(words: &Words) -> Vec<&'static str> {
        let Words { greeting, not_sent, others, header_only, causes, askers, .. } = words;
        let Words { what_now, other_address, end_to_end, once, once_by_key, switch_off, .. } = words;
        let Words { ask_administrator, sent_folder, below, .. } = words;
        let Causes { not_offered, refused, too_old, handshake, certificate, name, dns, .. } = causes;
        let Causes { requiretls, address, unreachable, null_mx, no_such_domain, other, .. } = causes;
        let Askers { guarantee, compliance, requiretls: by_mail, administrator, recipient } = askers;
        vec![
            greeting,
            not_sent,
            others,
            header_only,
            not_offered,
            refused,
            too_old,
            handshake,
            certificate,
            name,
            dns,
            requiretls,
            address,
            unreachable,
            null_mx,
            no_such_domain,
            other,
            guarantee,
            compliance,
            by_mail,
            administrator,
            recipient,
            what_now,
            other_address,
            end_to_end,
            once,
            once_by_key,
            switch_off,
            ask_administrator,
            sent_folder,
            below,
        ]
    }

    fn braces(sentence: &str) -> Vec<&str> {
        sentence.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    #[test]
    fn no_language_lacks_a_sentence() {
        let english = all(&ENGLISH);
        for language in Language::ALL {
            let sentences = all(words(language));
            assert_eq!(sentences.len(), english.len());
            for (sentence, english) in sentences.iter().zip(&english) {
                assert!(!sentence.trim().is_empty() && sentence.trim() == *sentence && !sentence.contains("  "));
                assert_eq!(braces(sentence), braces(english), "{sentence}");
                // What was copied and not translated.
                assert!(language == Language::English || sentence != english, "{sentence}");
                assert!(!sentence.chars().any(char::is_control));
            }
        }
    }
}
