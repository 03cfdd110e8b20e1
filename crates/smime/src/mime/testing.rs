//! What the tests of this module share.

use std::{
    fs,
    io::{self, Cursor, Read, Seek, SeekFrom},
    ops::Range,
};

use proptest::{collection::vec, prelude::*};

/// Octets that are read in pieces of these lengths.
pub(crate) struct Pieces<'a> {
    octets: Cursor<&'a [u8]>,
    sizes: Vec<usize>,
    next: usize,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(octets: &'a [u8], sizes: &[usize]) -> Self {
        Self { octets: Cursor::new(octets), sizes: sizes.to_vec(), next: 0 }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.next % self.sizes.len()].min(to.len());
        self.next += 1;
        self.octets.read(&mut to[..size])
    }
}

impl Seek for Pieces<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.octets.seek(to)
    }
}

pub(crate) fn len(octets: &[u8]) -> u64 {
    octets.len().try_into().unwrap()
}

pub(crate) fn slice<'a>(text: &'a str, range: &Range<u64>) -> &'a str {
    let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
    text.get(start..end).unwrap()
}

/// A part to be composed.
#[derive(Clone, Debug)]
pub(crate) enum Made {
    Leaf {
        header: Vec<&'static str>,
        body: Vec<u8>,
    },
    Multipart {
        header: Vec<&'static str>,
        preamble: Vec<&'static str>,
        parts: Vec<Made>,
        epilogue: Option<Vec<&'static str>>,
    },
    Message(Box<Made>),
}

/// What was composed: where each part is, in their order, with its path.
#[derive(Debug, Default)]
pub(crate) struct Composed {
    pub(crate) text: Vec<u8>,
    pub(crate) parts: Vec<(String, Range<u64>, Range<u64>)>,
}

/// Boundaries of which some start with others.
const BOUNDARIES: [&str; 5] = ["b", "bb", "b-b", "b =", "b--b"];
/// Lines that are no delimiters of these.
const LINES: [&str; 12] =
    ["", "text", "--", "---", "--bbb", "--b x", "---b", "--b-", " --b", "--c--", "-", "From here"];

fn lines() -> impl Strategy<Value = Vec<&'static str>> {
    vec(proptest::sample::select(&LINES), 0..4)
}

/// Trees of parts.
pub(crate) fn made() -> impl Strategy<Value = Made> {
    let header = vec(proptest::sample::select(&["A: b", "Content-Type: text/x; a=\r\n \"b\"", "X-c:"]), 0..3);
    let filler = prop_oneof![8 => Just(0), 1 => 65_400_usize..65_600];
    let leaf = (header, lines(), filler).prop_map(|(header, lines, filler)| {
        let filler = b"filler-\n--".iter().copied().cycle().take(filler);
        Made::Leaf { header, body: lines.join("\n").into_bytes().into_iter().chain(filler).collect() }
    });
    made_of(leaf)
}

/// Trees with these leaves.
pub(crate) fn made_of(leaf: impl Strategy<Value = Made> + 'static) -> impl Strategy<Value = Made> {
    let epilogue = || prop_oneof![3 => lines().prop_map(Some), 1 => Just(None)];
    let header = || vec(Just("Content-Transfer-Encoding: 8bit"), 0..2);
    leaf.prop_recursive(4, 20, 4, move |inner| {
        let multipart = (header(), lines(), vec(inner.clone(), 1..4), epilogue())
            .prop_map(|(header, preamble, parts, epilogue)| Made::Multipart { header, preamble, parts, epilogue });
        prop_oneof![3 => multipart, 1 => inner.prop_map(|inner| Made::Message(Box::new(inner)))]
    })
}

impl Made {
    pub(crate) fn compose(&self, end: &str) -> Composed {
        let mut to = Composed::default();
        self.write(&mut to, end, "", 0);
        to
    }

    fn write(&self, to: &mut Composed, end: &str, path: &str, depth: usize) {
        let inner = |number: usize| if path.is_empty() { number.to_string() } else { format!("{path}.{number}") };
        let (start, index) = (to.at(), to.parts.len());
        to.parts.push((path.to_owned(), 0..0, 0..0));
        let body = match self {
            Self::Leaf { header, body } => {
                to.lines(header, end);
                to.line("", end);
                let at = to.at();
                to.text.extend_from_slice(body);
                at
            }
            Self::Multipart { header, preamble, parts, epilogue } => {
                to.lines(header, end);
                let boundary = BOUNDARIES[depth % BOUNDARIES.len()];
                to.line(&format!("Content-Type: multipart/mixed; boundary=\"{boundary}\""), end);
                to.line("", end);
                let at = to.at();
                to.lines(preamble, end);
                for (number, part) in parts.iter().enumerate() {
                    let padding = ["", " ", "\t "][number % 3];
                    to.line(&format!("{}--{boundary}{padding}", if to.at() == at { "" } else { end }), end);
                    part.write(to, end, &inner(number + 1), depth + 1);
                }
                if let Some(epilogue) = epilogue {
                    to.line(&format!("{end}--{boundary}--"), end);
                    to.lines(epilogue, end);
                }
                at
            }
            Self::Message(part) => {
                to.line("Content-Type: message/rfc822", end);
                to.line("", end);
                let at = to.at();
                part.write(to, end, &inner(1), depth);
                at
            }
        };
        to.parts[index].1 = start..to.at();
        to.parts[index].2 = body..to.at();
    }
}

impl Composed {
    fn at(&self) -> u64 {
        len(&self.text)
    }

    fn line(&mut self, line: &str, end: &str) {
        self.text.extend_from_slice(line.replace("\r\n", end).as_bytes());
        self.text.extend_from_slice(end.as_bytes());
    }

    fn lines(&mut self, lines: &[&str], end: &str) {
        lines.iter().for_each(|line| self.line(line, end));
    }
}

/// The mails below a folder of the vectors, with their names.
pub(crate) fn mails(folder: &str) -> Vec<(String, Vec<u8>)> {
    let Some(vectors) = sealpost_testkit::vectors() else { return Vec::new() };
    let (mut folders, mut mails) = (vec![vectors.join("smime").join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|suffix| suffix == "eml") {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                mails.push((name, fs::read(path).unwrap()));
            }
        }
    }
    mails.sort();
    assert!(!mails.is_empty(), "there are no mails in {folder}");
    mails
}

/// A random generator that counts.
pub(crate) struct Counting(pub(crate) u64);

impl rand_core::TryRng for Counting {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|next| u32::try_from(next >> 32).unwrap())
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
        for octet in to {
            *octet = self.try_next_u64()?.to_be_bytes()[0];
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Counting {}
