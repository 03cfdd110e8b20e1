//! One connection.

use std::{io::ErrorKind, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::watch,
    time::{Instant, timeout, timeout_at},
};

use super::{Dialogue, Limits};
use crate::{Error, Result};

/// How many octets are read at a time.
const READ: usize = 4_096;

/// How many octets of replies are kept back while further requests are at hand.
const TOGETHER: usize = 65_536;

/// Answers what comes in until the other side ends, something is wrong, or the server ends.
pub(super) async fn hold<D: Dialogue, S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    dialogue: &D,
    limits: Limits,
    mut ended: watch::Receiver<bool>,
) -> Result<()> {
    let mut input = Vec::with_capacity(READ);
    // When the first octet of what is in `input` came, or the silence began.
    let mut begun = Instant::now();
    let outcome = loop {
        let waiting = input.len();
        let more = answer(&mut stream, dialogue, limits.request, &mut input).await;
        if input.len() < waiting || input.is_empty() {
            begun = Instant::now();
        }
        match more {
            Ok(true) if *ended.borrow() && input.is_empty() => break Ok(()),
            Ok(true) => {}
            other => break other.map(drop),
        }
        let between = input.is_empty();
        match read(&mut stream, limits, &mut input, begun, &mut ended).await {
            // A request has all of its time, however long the silence before it was.
            Ok(true) if between => begun = Instant::now(),
            Ok(true) => {}
            other => break other.map(drop),
        }
    };
    if let Err(error) = &outcome
        && let Some(parting) = dialogue.parting(error)
    {
        // The other side may be gone.
        let _ = write(&mut stream, &parting, limits.request).await;
    }
    let _ = timeout(limits.request, stream.shutdown()).await;
    outcome
}

/// Answers all requests that came in whole. `false` if the connection is to end.
async fn answer<D: Dialogue, S: AsyncWrite + Unpin>(
    stream: &mut S,
    dialogue: &D,
    limit: Duration,
    input: &mut Vec<u8>,
) -> Result<bool> {
    let mut output = Vec::new();
    let mut done = 0;
    let outcome = loop {
        let (request, taken) = match dialogue.decode(input.get(done..).unwrap_or_default()) {
            Ok(Some(found)) => found,
            Ok(None) => break Ok(true),
            Err(error) => break Err(error),
        };
        done += taken;
        match timeout(limit, dialogue.answer(request)).await {
            Ok(Some(reply)) => output.extend_from_slice(&reply),
            Ok(None) => break Ok(false),
            Err(_) => break Err(Error::Late("an answer")),
        }
        if output.len() >= TOGETHER {
            write(stream, &output, limit).await?;
            output.clear();
        }
    };
    input.drain(..done.min(input.len()));
    if !output.is_empty() {
        write(stream, &output, limit).await?;
    }
    outcome
}

/// Reads what there is, at least an octet. `false` at the end, and if the server ends between two requests.
async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    limits: Limits,
    input: &mut Vec<u8>,
    begun: Instant,
    ended: &mut watch::Receiver<bool>,
) -> Result<bool> {
    let between = input.is_empty();
    // All of a request has to be there in time, not only its next octet.
    let deadline = begun + if between { limits.idle } else { limits.request };
    input.reserve(READ);
    let read = tokio::select! {
        _ = ended.changed(), if between => return Ok(false),
        read = timeout_at(deadline, stream.read_buf(input)) => read,
    };
    match read {
        // Its end, or nothing to ask for long: nothing is wrong with that.
        Ok(Ok(0)) | Err(_) if between => Ok(false),
        Ok(Ok(0)) => Err(Error::Socket { what: "reading a request", source: ErrorKind::UnexpectedEof.into() }),
        Ok(Ok(_)) => Ok(true),
        Ok(Err(source)) => Err(Error::Socket { what: "reading a request", source }),
        Err(_) => Err(Error::Late("a request")),
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, octets: &[u8], limit: Duration) -> Result<()> {
    let written = timeout(limit, stream.write_all(octets)).await;
    written.map_err(|_| Error::Late("the reader of a reply"))?.map_err(Error::socket("writing a reply"))
}
