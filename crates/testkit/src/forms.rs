//! The three forms of the transform and of patches must agree, whatever the input: the body of the property tests and
//! of the fuzz targets.

use std::io::{self, Read};

use sealpost_pre::{Edit, Error, Instance, Patch, ProxyFactor, Report, Transform, UnixTime};

/// A moment at which [`instances`] are valid.
pub const NOW: UnixTime = UnixTime(1_700_000_000);

/// An instance for the subkey of A.3 in the draft, to a forwardee that nobody is.
///
/// # Panics
///
/// Never: the values are constants.
#[must_use]
pub fn instances() -> [Instance; 1] {
    let forwarder = "8A5F35753833FF9919AD88161557E55093930510".parse().unwrap();
    let forwardee = "00112233445566778899AABBCCDDEEFF01234567".parse().unwrap();
    let mut factor = [0x42; 32];
    factor[31] = 0x0B;
    [Instance::new(forwarder, forwardee, None, ProxyFactor::from_bytes(&factor).unwrap())]
}

/// Gives its octets in pieces of these sizes, again and again.
#[derive(Debug)]
pub struct Pieces<'a> {
    rest: &'a [u8],
    sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
}

impl<'a> Pieces<'a> {
    /// A reader over these octets. A size of 0 counts as 1.
    #[must_use]
    pub fn new(octets: &'a [u8], sizes: &'a [usize]) -> Self {
        Self { rest: octets, sizes: sizes.iter().cycle() }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.next().copied().unwrap_or(1).max(1);
        let n = size.min(self.rest.len()).min(buffer.len());
        let (now, rest) = self.rest.split_at(n);
        buffer[..n].copy_from_slice(now);
        self.rest = rest;
        Ok(n)
    }
}

/// The octets with all edits applied.
///
/// # Panics
///
/// If the edits overlap, go beyond the input or are out of order.
#[must_use]
pub fn edited(input: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut output = Vec::new();
    let mut at = 0;
    for edit in edits {
        let offset = usize::try_from(edit.offset).unwrap();
        output.extend_from_slice(&input[at..offset]);
        output.extend_from_slice(&edit.bytes);
        at = offset + edit.replaced;
    }
    output.extend_from_slice(&input[at..]);
    output
}

/// One pass over the input with windows that grow by these sizes, as a program with buffers of its own makes it.
///
/// # Errors
///
/// What the rewriter says.
pub fn windows(transform: &Transform<'_>, input: &[u8], sizes: &[usize]) -> Result<(Vec<Edit>, Report), Error> {
    let mut rewriter = transform.rewriter();
    let mut sizes = sizes.iter().cycle().map(|size| *size.max(&1));
    let (mut start, mut end) = (0, 0);
    let mut edits = Vec::new();
    loop {
        let last = end == input.len();
        let consumed = rewriter.step(&input[start..end], last, &mut edits)?;
        start += consumed;
        if consumed == 0 && last {
            return Ok((edits, rewriter.finish()?));
        }
        if consumed == 0 {
            end = input.len().min(end + sizes.next().unwrap_or(1));
        }
    }
}

/// Checks that all forms agree on an input, read in pieces of these sizes: the same octets, or the same error. A
/// transform with one instance agrees with its patch too. Gives the report, if there is one.
///
/// # Errors
///
/// The error on which all forms agree.
///
/// # Panics
///
/// If they don't agree, if more than the planned octets change, or if a length changes.
pub fn agree(transform: &Transform<'_>, input: &[u8], sizes: &[usize]) -> Result<Report, String> {
    let mut in_place = input.to_vec();
    let report = transform.in_place(&mut in_place);
    let mut streamed = Vec::new();
    let stream = transform.stream(Pieces::new(input, sizes), &mut streamed);
    let pass = windows(transform, input, sizes);
    match (report, stream, pass) {
        (Ok(report), Ok(stream), Ok((edits, pass))) => {
            assert_eq!(in_place, streamed, "in place and streaming differ");
            assert_eq!(in_place, edited(input, &edits), "in place and the planned edits differ");
            assert_eq!(format!("{report:?}"), format!("{stream:?}"));
            assert_eq!(format!("{report:?}"), format!("{pass:?}"));
            assert!(edits.iter().all(|edit| edit.replaced == edit.bytes.len()), "a length changes");
            check_plan(transform, input, &edits);
            check_patches(transform, input, sizes, &Ok((in_place, blocks(&report))));
            Ok(report)
        }
        (Err(report), Err(stream), Err(pass)) => {
            assert_eq!(in_place, input, "an error must leave the message untouched");
            assert_eq!(report.to_string(), stream.to_string());
            assert_eq!(report.to_string(), pass.to_string());
            check_patches(transform, input, sizes, &Err(report.to_string()));
            Err(report.to_string())
        }
        (report, stream, pass) => panic!("the forms disagree: {report:?}, {stream:?}, {pass:?}"),
    }
}

/// Each octet that is replaced: where an edit is cut in two depends on the windows.
fn octet_by_octet(edits: &[Edit]) -> Vec<(u64, u8)> {
    edits.iter().flat_map(|edit| (edit.offset..).zip(edit.bytes.iter().copied())).collect()
}

/// A plan from a part of the input is the beginning of all edits, or says that more is needed.
fn check_plan(transform: &Transform<'_>, input: &[u8], edits: &[Edit]) {
    for end in [input.len(), input.len() / 2, input.len() / 4] {
        match transform.plan(&input[..end]) {
            Ok(plan) => {
                let (planned, all) = (octet_by_octet(&plan.edits), octet_by_octet(edits));
                assert_eq!(planned, all[..planned.len()], "the plan from {end} octets");
            }
            Err(Error::Incomplete { needed }) => assert!(needed > end && (end < input.len() || end < 64)),
            Err(error) => panic!("a plan fails where the whole does not: {error}"),
        }
    }
}

/// How many messages there are, damaged ones among them.
fn blocks(report: &Report) -> usize {
    report.messages.len() + report.skipped.len()
}

/// Applies a patch in all its forms, which must agree.
///
/// # Errors
///
/// What the patch says of the input.
///
/// # Panics
///
/// If the forms disagree, or an error leaves something behind.
pub fn patched(patch: &Patch, input: &[u8], sizes: &[usize]) -> Result<Vec<u8>, Error> {
    let mut in_place = input.to_vec();
    let mut streamed = Vec::new();
    let stream = patch.stream(Pieces::new(input, sizes), &mut streamed);
    let splice = patch.splice(input).map(|splice| splice.pieces().concat());
    match (patch.in_place(&mut in_place), stream, splice) {
        (Ok(()), Ok(()), Ok(splice)) => {
            assert_eq!(in_place, splice, "in place and spliced differ");
            assert_eq!(in_place, streamed, "in place and streamed differ");
            Ok(in_place)
        }
        (Err(error), Err(stream), Err(splice)) => {
            assert_eq!(in_place, input, "an error must leave the message untouched");
            assert_eq!([stream.to_string(), splice.to_string()], [(); 2].map(|()| error.to_string()));
            Err(error)
        }
        forms => panic!("the forms of a patch disagree: {forms:?}"),
    }
}

/// A patch does what the transform does, or refuses: planned from all of the input or from its first octets. `expected`
/// is what the transform made of the input, and of how many blocks.
fn check_patches(
    transform: &Transform<'_>,
    input: &[u8],
    sizes: &[usize],
    expected: &Result<(Vec<u8>, usize), String>,
) {
    let from_reader = transform.plan_each_from(Pieces::new(input, sizes)).map(|patches| (patches, true));
    // A limit that only patches have.
    if matches!(from_reader, Err(Error::Limit { what: "encrypted session keys in one input", .. })) {
        return;
    }
    // Only behind the head of a binary message may there be an error that a plan does not see.
    if let Err(error) = &from_reader {
        assert_eq!(Some(&error.to_string()), expected.as_ref().err());
    }
    let firsts = [input.len() / 2, input.len() / 4].map(|end| {
        let patches = transform.plan_each(&input[..end]);
        patches.map(|patches| (patches, false))
    });
    for (patches, all) in [from_reader].into_iter().chain(firsts).flatten() {
        let [planned] = &patches.each[..] else { return };
        let patch = Patch::from_bytes(&planned.patch.to_bytes()).expect("a patch");
        assert_eq!(patch, planned.patch);
        match (patched(&patch, input, sizes), expected) {
            (Ok(output), Ok((expected, _))) => assert_eq!(&output, expected, "patched and transformed differ"),
            (Err(error), Err(expected)) => {
                assert!(error.to_string() == *expected || !all && matches!(error, Error::PatchMismatch(_)), "{error}");
            }
            // There are further messages behind the first octets.
            (Err(Error::PatchMismatch(_)), Ok((_, all_blocks))) => {
                assert!(!all && blocks(&patches.report) < *all_blocks);
            }
            (output, _) => panic!("{output:?} instead of {expected:?}"),
        }
    }
}
