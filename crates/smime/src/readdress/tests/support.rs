//! Mails in all forms, messages in any BER, and what is in them.

use std::{
    io::{Cursor, Read},
    ops::Range,
};

use base64ct::{Base64, Encoding as _};
use proptest::prelude::*;

use crate::{
    Limits, ListedRecipient, Readdressing,
    asn1::{Element, elements, write as element},
    ber::inner,
    enveloped::RecipientInfo,
    mime::base64::Decoder,
};

/// How a message stands in a mail.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) binary: bool,
    pub(super) width: usize,
    pub(super) end: &'static str,
    /// What the mail ends with.
    pub(super) last: &'static str,
}

impl Default for Form {
    fn default() -> Self {
        Self { binary: false, width: 76, end: "\r\n", last: "\r\n" }
    }
}

pub(super) fn forms() -> impl Strategy<Value = Form> {
    let width = prop_oneof![Just(76), Just(64), Just(72), Just(60), 1..200_usize, Just(usize::MAX)];
    (prop::bool::weighted(0.1), width, any::<bool>(), 0..3_usize).prop_map(|(binary, width, crlf, last)| Form {
        binary,
        width,
        end: if crlf { "\r\n" } else { "\n" },
        last: if crlf { ["", "\r\n", "\r\n\r\n"] } else { ["", "\n", "\n \n"] }[last],
    })
}

impl Form {
    fn header(&self) -> Vec<u8> {
        let encoding = if self.binary { "binary" } else { "base64" };
        let encoding = format!("Content-Transfer-Encoding: {encoding}");
        ["Subject: x", "Content-Type: application/pkcs7-mime", &encoding, "", ""].join(self.end).into()
    }

    pub(super) fn mail(&self, message: &[u8]) -> Vec<u8> {
        let body = if self.binary {
            message.to_vec()
        } else {
            let flat = Base64::encode_string(message);
            let lines: Vec<_> = flat.as_bytes().chunks(self.width).collect();
            [&lines.join(self.end.as_bytes()), self.last.as_bytes()].concat()
        };
        [self.header(), body].concat()
    }

    pub(super) fn body(&self, mail: &[u8]) -> Range<u64> {
        u64::try_from(self.header().len()).unwrap()..u64::try_from(mail.len()).unwrap()
    }

    /// The message in a mail of this form.
    pub(super) fn message(&self, mail: &[u8]) -> Vec<u8> {
        let body = mail.strip_prefix(&self.header()[..]).expect("the header must stay");
        if self.binary {
            return body.to_vec();
        }
        let mut message = Vec::new();
        Decoder::new(body).read_to_end(&mut message).unwrap();
        message
    }

    /// Whether all lines are as they were but for one that may be shorter, and another one behind it.
    pub(super) fn has_same_lines(&self, old: &[u8], new: &[u8]) -> bool {
        if self.binary {
            return true;
        }
        let text = |mail: &[u8]| String::from_utf8(mail[self.header().len()..].to_vec()).unwrap();
        let (old, new) = (text(old), text(new));
        let (Some(old_lines), Some(lines)) = (old.strip_suffix(self.last), new.strip_suffix(self.last)) else {
            return false;
        };
        let width =
            if old.contains(self.end) { old_lines.find(self.end).unwrap_or(old_lines.len()) } else { usize::MAX };
        let lines: Vec<_> = lines.split(self.end).collect();
        let short = lines[..lines.len() - 1].iter().filter(|line| line.len() != width).count();
        short <= 2 && lines.iter().all(|line| (1..=width).contains(&line.len()) && !line.contains(['\r', '\n']))
    }
}

pub(super) fn write(plan: &Readdressing, mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    plan.write(&mut Cursor::new(mail), &mut out).unwrap();
    out
}

/// All recipients by key agreement on the same curve in one structure, with the originator's key of the first and with
/// user keying material: nobody can read it, but it has the form.
pub(super) fn with_shared(message: &[u8]) -> Vec<u8> {
    let [kind, content] = parts(message).try_into().unwrap();
    let mut data = parts(&parts(&content)[0]);
    let mut infos = Vec::new();
    let mut shared: Vec<[Vec<u8>; 4]> = Vec::new();
    for info in parts(&data[1]) {
        if info[0] != 0xA1 {
            infos.push(info);
            continue;
        }
        let fields: [_; 4] = parts(&info).try_into().unwrap();
        match shared.iter_mut().find(|other| other[1].len() == fields[1].len() && other[2] == fields[2]) {
            Some(other) => other[3] = element(0x30, &[&[parts(&other[3]), parts(&fields[3])].concat().concat()]),
            None => shared.push(fields),
        }
    }
    let ukm = element(0xA1, &[&element(0x04, &[b"material"])]);
    let with_ukm =
        |[version, key, algorithm, keys]: [Vec<u8>; 4]| element(0xA1, &[&version, &key, &ukm, &algorithm, &keys]);
    infos.extend(shared.into_iter().map(with_ukm));
    data[1] = element(0x31, &[&infos.concat()]);
    element(0x30, &[&kind, &element(0xA0, &[&element(0x30, &[&data.concat()])])])
}

/// DER in BER: what each element is like the numbers say, one after the other; in DER if there are none.
pub(super) fn to_any_ber(der: &[u8], numbers: &[u8]) -> Vec<u8> {
    fn any(der: &Element<'_>, depth: usize, numbers: &mut dyn Iterator<Item = u8>) -> Vec<u8> {
        let (tag, number) = (der.raw[0], numbers.next().unwrap_or(0));
        let string = tag == 0x04 || (tag == 0x80 && depth == 4);
        if tag & 0x20 != 0 {
            let inner: Vec<_> =
                elements(der.value, "").unwrap().iter().flat_map(|inner| any(inner, depth + 1, numbers)).collect();
            return framed(tag, &inner, number);
        }
        if string && number % 4 == 3 {
            let pieces = der.value.chunks(usize::from(number / 4) + 1);
            let pieces: Vec<_> = pieces.flat_map(|piece| framed(0x04, piece, number & !3)).collect();
            return framed(tag | 0x20, &pieces, number / 4);
        }
        framed(tag, der.value, number & !1)
    }
    any(&Element::from_der(der, "").unwrap(), 0, &mut numbers.iter().copied())
}

/// With an indefinite length if the number is odd, else with up to seven octets of length more than needed.
fn framed(tag: u8, value: &[u8], number: u8) -> Vec<u8> {
    match (number % 2, usize::from(number / 2 % 8)) {
        (1, _) => [&[tag, 0x80], value, &[0, 0]].concat(),
        (_, 0) => element(tag, &[value]),
        (_, more) => {
            let len = value.len().to_be_bytes();
            let least = len.iter().skip_while(|octet| **octet == 0).count().max(1);
            let len = [vec![0; more], len[len.len() - least..].to_vec()].concat();
            [&[tag, 0x80 | u8::try_from(len.len()).unwrap()], &len[..], value].concat()
        }
    }
}

/// With other RecipientInfos.
pub(super) fn with_infos(message: &[u8], infos: &[u8]) -> Vec<u8> {
    let outer = parts(message);
    let mut data = parts(&parts(&outer[1])[0]);
    data[1] = element(0x31, &[infos]);
    element(0x30, &[&outer[0], &element(0xA0, &[&element(0x30, &[&data.concat()])])])
}

/// With another field of its one KeyAgreeRecipientInfo.
fn with_field(message: &[u8], field: usize, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut fields = parts(&infos(message)[0]);
    fields[field] = change(&fields[field]);
    with_infos(message, &element(0xA1, &[&fields.concat()]))
}

/// With other RecipientEncryptedKeys.
pub(super) fn with_keys(message: &[u8], change: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    with_field(message, 3, |keys| element(0x30, &[&change(&parts(keys).concat())]))
}

/// With user keying material of so many octets.
pub(super) fn with_material(message: &[u8], octets: usize) -> Vec<u8> {
    let material = element(0xA1, &[&element(0x04, &[&vec![0; octets]])]);
    with_field(message, 2, |algorithm| [&material, algorithm].concat())
}

/// With another originator.
pub(super) fn with_originator(message: &[u8], originator: &[u8]) -> Vec<u8> {
    with_field(message, 1, |_| element(0xA0, &[originator]))
}

pub(super) fn originator_key(algorithm: &[u8], point: &[u8]) -> Vec<u8> {
    element(0xA1, &[&element(0x30, &[algorithm]), &element(0x03, &[&[0], point])])
}

/// With its recipient so many times, in one KeyAgreeRecipientInfo.
pub(super) fn with_many_keys(message: &[u8], count: usize) -> Vec<u8> {
    with_keys(message, |keys| keys.repeat(count))
}

/// The same, each in one.
pub(super) fn with_many_infos(message: &[u8], count: usize) -> Vec<u8> {
    with_infos(message, &infos(message)[0].repeat(count))
}

fn parts(element: &[u8]) -> Vec<Vec<u8>> {
    inner(element, &Limits::default()).unwrap().map(|part| part.unwrap().to_vec()).collect()
}

/// Each RecipientInfo of a message as it is.
pub(super) fn infos(message: &[u8]) -> Vec<Vec<u8>> {
    parts(&parts(&parts(&parts(message)[1])[0])[1])
}

/// All else as it is: the fields around the recipients, whether the elements around have indefinite lengths, and what is
/// behind.
pub(super) fn frame(message: &[u8]) -> (Vec<Vec<u8>>, [bool; 4]) {
    let outer = parts(message);
    let data = parts(&outer[1])[0].clone();
    let mut fields = parts(&data);
    let set = fields.remove(1);
    let indefinite = [message, &outer[1], &data, &set].map(|element| element[1] == 0x80);
    fields.push(outer[0].clone());
    (fields, indefinite)
}

/// The recipients of a RecipientInfo, and of those by key agreement the originator's key.
pub(super) fn listed(info: &[u8]) -> Vec<(ListedRecipient, Option<Vec<u8>>)> {
    let read = RecipientInfo::read(info, &Limits::default());
    let point = match &read {
        RecipientInfo::Agreement { originator, .. } => Some(originator.key.clone()),
        _ => None,
    };
    read.list().into_iter().map(|listed| (listed, point.clone())).collect()
}

/// Of each recipient by key agreement, as they are: version, the algorithm of the originator's key, user keying material,
/// algorithm, encrypted key.
pub(super) fn keys(message: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let agreements = infos(message).into_iter().filter(|info| info[0] == 0xA1);
    let of = |info: Vec<u8>| {
        let mut fields = parts(&info);
        let keys = fields.pop().unwrap();
        fields[1] = parts(&parts(&fields[1])[0])[0].clone();
        parts(&keys).into_iter().map(move |key| [fields.clone(), vec![parts(&key)[1].clone()]].concat())
    };
    agreements.flat_map(of).collect()
}
