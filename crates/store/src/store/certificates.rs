//! Certificates, and finding keys by what certificates say.

use sealpost_rollover::{
    GenerationId,
    port::{Attachment, CertificateRecord, KeyName, PublicKey},
};

use super::{
    generations::{key, name, read_id},
    session::Session,
};
use crate::{
    Error, Result,
    sql::{Row, Transaction},
};

/// Keeps what came with an event. Of orders the first one is kept; of certificates all, each once.
pub(super) async fn attach<T: Transaction>(
    session: &mut Session<T>,
    id: GenerationId,
    attachment: &Attachment,
) -> Result<()> {
    match attachment {
        Attachment::Order(order) => {
            let mut values = key(id);
            values.push(order.into());
            session
                .execute(
                    "UPDATE generation SET order_name = ?4
                        WHERE subject = ?1 AND slot = ?2 AND number = ?3 AND order_name IS NULL",
                    values,
                )
                .await?;
            Ok(())
        }
        Attachment::Certificate(certificate) => insert(session, id, certificate).await,
        _ => Ok(()),
    }
}

async fn insert<T: Transaction>(
    session: &mut Session<T>,
    id: GenerationId,
    certificate: &CertificateRecord,
) -> Result<()> {
    let sql = "SELECT issuer, serial FROM certificate WHERE subject = ?1 AND slot = ?2 AND number = ?3";
    let others = session.query(sql, key(id)).await?;
    let position = others.len();
    for mut other in others {
        let named: (Vec<u8>, Vec<u8>) = (other.next("issuer")?, other.next("serial")?);
        if (&named.0, &named.1) == (&certificate.issuer, &certificate.serial) {
            return Ok(());
        }
    }
    let mut values = key(id);
    values.extend([
        u64::try_from(position).unwrap_or(u64::MAX).into(),
        (&certificate.issuer).into(),
        (&certificate.serial).into(),
        (&certificate.public.spki_sha256).into(),
        (&certificate.public.key_id).into(),
        (&certificate.product).into(),
        certificate.not_before.into(),
        certificate.not_after.into(),
        (&certificate.der).into(),
        join(&certificate.chain).into(),
    ]);
    session
        .execute(
            "INSERT INTO certificate (subject, slot, number, position, issuer, serial, spki, key_id, product,
                    not_before, not_after, der, chain)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            values,
        )
        .await?;
    Ok(())
}

/// Those of a generation, the adopted one first.
pub(super) async fn of<T: Transaction>(session: &mut Session<T>, id: GenerationId) -> Result<Vec<CertificateRecord>> {
    let rows = session
        .query(
            "SELECT issuer, serial, spki, key_id, not_before, not_after, product, der, chain FROM certificate
                WHERE subject = ?1 AND slot = ?2 AND number = ?3 ORDER BY position",
            key(id),
        )
        .await?;
    let read = |row| read(row).map_err(|error: Error| error.of_row(|| format!("a certificate of {}", name(id))));
    rows.into_iter().map(read).collect()
}

fn read(mut row: Row) -> Result<CertificateRecord> {
    let (issuer, serial) = (row.next("issuer")?, row.next("serial")?);
    let public = PublicKey::new(row.next("spki")?, row.next("key_id")?);
    let validity = (row.next("not_before")?, row.next("not_after")?);
    let (product, der, chain): (_, _, Vec<u8>) = (row.next("product")?, row.next("der")?, row.next("chain")?);
    let chain = split(&chain).ok_or_else(|| Error::damaged("chain", "its lengths don't fit"))?;
    let mut certificate = CertificateRecord::new((issuer, serial), public, validity, (der, chain));
    certificate.product = product;
    Ok(certificate)
}

/// The generations with that name, in their order.
pub(super) async fn find<T: Transaction>(session: &mut Session<T>, name: &KeyName) -> Result<Vec<GenerationId>> {
    let both = |column: &str| {
        format!(
            "SELECT subject, slot, number FROM generation WHERE {column} = ?1
                UNION SELECT subject, slot, number FROM certificate WHERE {column} = ?1"
        )
    };
    let (sql, values) = match name {
        KeyName::IssuerAndSerial { issuer, serial } => (
            "SELECT subject, slot, number FROM certificate WHERE issuer = ?1 AND serial = ?2".to_owned(),
            vec![issuer.into(), serial.into()],
        ),
        KeyName::KeyId(id) => (both("key_id"), vec![id.into()]),
        KeyName::Spki(hash) => (both("spki"), vec![hash.into()]),
        _ => return Ok(Vec::new()),
    };
    let rows = session.query(&sql, values).await?;
    let mut ids: Vec<GenerationId> = rows.into_iter().map(|mut row| read_id(&mut row)).collect::<Result<_>>()?;
    ids.sort_unstable();
    Ok(ids)
}

/// The certificates of a chain, each with its length before it (4 octets, big-endian).
fn join(chain: &[Vec<u8>]) -> Vec<u8> {
    let mut joined = Vec::new();
    for certificate in chain {
        joined.extend(u32::try_from(certificate.len()).unwrap_or(u32::MAX).to_be_bytes());
        joined.extend(certificate);
    }
    joined
}

fn split(mut joined: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut chain = Vec::new();
    while let Some((length, rest)) = joined.split_first_chunk() {
        let (certificate, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        chain.push(certificate.to_vec());
        joined = rest;
    }
    joined.is_empty().then_some(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_comes_apart_as_it_was_joined_and_a_cut_one_does_not() {
        for chain in [vec![], vec![vec![1; 300]], vec![vec![], vec![1, 2], vec![3]]] {
            assert_eq!(split(&join(&chain)), Some(chain));
        }
        let joined = join(&[vec![1; 300], vec![2; 3]]);
        let whole = [0, 304, joined.len()];
        for end in (0..=joined.len()).filter(|end| !whole.contains(end)) {
            assert_eq!(split(&joined[..end]), None);
        }
    }
}
