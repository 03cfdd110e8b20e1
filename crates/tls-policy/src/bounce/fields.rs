//! The part for programs: message/delivery-status (RFC 3464 §2) or message/global-delivery-status (RFC 6533 §5).

use sealpost_mail::{Address, FieldWriter, Unwritable};

use super::{Failed, Reporter, Stopped};

pub(super) fn fields(
    reporter: &Reporter,
    stopped: &Stopped<'_>,
    failed: &[&Failed<'_>],
) -> Result<FieldWriter, Unwritable> {
    let mut fields = FieldWriter::new();
    if let Some(id) = stopped.envelope_id {
        fields.structured("Original-Envelope-Id", id.as_str())?;
    }
    fields.structured("Reporting-MTA", &format!("dns; {}", reporter.host))?;
    let queue_id: String = stopped.queue_id.chars().filter(char::is_ascii_graphic).take(200).collect();
    if !queue_id.is_empty() {
        fields.structured("X-Sealpost-Queue-ID", &queue_id)?;
    }
    if let Some(sender) = stopped.sender {
        fields.structured("X-Sealpost-Sender", &typed(sender))?;
    }
    fields.structured("Arrival-Date", &stopped.arrival.rfc5322())?;
    for failed in failed {
        fields.end_group();
        recipient(&mut fields, failed)?;
    }
    Ok(fields)
}

fn recipient(fields: &mut FieldWriter, failed: &Failed<'_>) -> Result<(), Unwritable> {
    if let Some(original) = failed.original {
        fields.structured("Original-Recipient", &original.to_string())?;
    }
    fields.structured("Final-Recipient", &typed(failed.recipient))?;
    fields.structured("Action", "failed")?;
    let [class, subject, detail] = failed.status.code;
    fields.structured("Status", &format!("{class}.{subject}.{detail}"))?;
    if let Some(host) = failed.remote() {
        fields.structured("Remote-MTA", &format!("dns; {host}"))?;
    }
    // Not of type smtp: no server said so, it was found out here (RFC 3464 §2.3.6).
    fields.structured("Diagnostic-Code", &format!("X-Sealpost; {}", failed.status.text))
}

/// With its type (RFC 3464 §2.3.2, RFC 6533 §3).
fn typed(address: &Address) -> String {
    let kind = if address.is_ascii() { "rfc822" } else { "utf-8" };
    format!("{kind}; {address}")
}
