//! One request and its answer (RFC 9112).

use std::{fmt, net::IpAddr, pin::pin, sync::Arc, task::Poll};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1};
use rustls::ClientConfig;
use sealpost_mail::Domain;

use super::{connection::connect, stream::Stream};
use crate::sts::FetchProblem;

/// What a request carries.
pub(super) type Body = Full<Bytes>;

/// So much of an answer's header is read.
const MAX_HEADER: usize = 64 * 1024;

/// Whom to ask.
#[derive(Clone, Copy)]
pub(super) struct Server<'a> {
    pub(super) host: &'a Domain,
    pub(super) port: u16,
    /// Its addresses, if the caller knows them.
    pub(super) at: Option<&'a [IpAddr]>,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// `None` if it is too long.
    pub(super) body: Option<Bytes>,
}

/// Why there is none.
pub(super) struct Failed {
    pub(super) problem: FetchProblem,
    pub(super) detail: String,
}

impl Failed {
    pub(super) fn fetch(detail: &dyn fmt::Display) -> Self {
        Self { problem: FetchProblem::Fetch, detail: detail.to_string() }
    }
}

/// Sends a request, and reads so many octets of the answer to it.
pub(super) async fn exchange(
    config: &Arc<ClientConfig>,
    server: Server<'_>,
    request: Request<Body>,
    most: usize,
) -> Result<Answer, Failed> {
    let http = |error: hyper::Error| Failed::fetch(&format_args!("HTTP: {error}"));
    let stream = Stream(connect(config, server).await?);
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(MAX_HEADER).handshake(stream).await.map_err(http)?;
    let answer = async move {
        let response = sender.send_request(request).await.map_err(http)?;
        let status = response.status();
        if !status.is_success() {
            // Nobody reads what else there is.
            return Ok(Answer { status, body: None });
        }
        match Limited::new(response.into_body(), most).collect().await {
            Ok(body) => Ok(Answer { status, body: Some(body.to_bytes()) }),
            Err(error) if error.is::<LengthLimitError>() => Ok(Answer { status, body: None }),
            Err(error) => Err(Failed::fetch(&format_args!("HTTP: {error}"))),
        }
    };
    // The connection works only while it is asked to; its end is no error, the answer says what is missing.
    let (mut answer, mut connection, mut is_open) = (pin!(answer), pin!(connection), true);
    std::future::poll_fn(|context| {
        if is_open {
            is_open = connection.as_mut().poll(context).is_pending();
        }
        match answer.as_mut().poll(context) {
            Poll::Pending if !is_open => answer.as_mut().poll(context),
            polled => polled,
        }
    })
    .await
}
