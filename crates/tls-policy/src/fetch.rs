//! Over HTTPS: policies of MTA-STS are fetched (RFC 8461 §3.3), and reports about TLS are posted (RFC 8460 §5.4).
//!
//! The server's certificate must be valid for its name, by the roots that the caller trusts; not an octet of HTTP is
//! sent before that. So whoever writes a record can't make a server of ours talk to hosts inside that do not hold such a
//! certificate. The beginning of a handshake they do get, at a port that a record may name: where that is too much, look
//! the addresses up and leave out those inside before you ask. No redirect is followed, and all of it must be done within a minute.
//!
//! ```no_run
//! # async fn example(roots: rustls::RootCertStore) -> Result<(), Box<dyn std::error::Error>> {
//! use sealpost_tls_policy::{fetch::Fetcher, sts::{Known, Step, TxtAnswer}};
//! # let (mut known, now) = (Known::default(), sealpost_time::Time::from_unix(0));
//! # let answer = TxtAnswer::Absent;
//! let fetcher = Fetcher::new(roots)?;
//! let domain = "example.org".parse()?;
//! if let Step::Fetch { id, .. } = known.look(&answer, now) {
//!     let settled = known.fetched(&id, fetcher.policy(&domain, None).await, now);
//! }
//! # Ok(())
//! # }
//! ```

mod connection;
mod exchange;
mod stream;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc, time::Duration};

use hyper::{Method, Request, StatusCode, Uri, body::Bytes, header};
use rustls::{ClientConfig, RootCertStore, client::Resumption, crypto::aws_lc_rs};
use sealpost_mail::Domain;

use crate::{
    Error, Result,
    sts::{self, FetchFailure, FetchProblem},
};

use self::exchange::{Failed, Server};

/// Within this time all is done (RFC 8461 §3.3 suggests a minute).
const LIMIT: Duration = Duration::from_mins(1);
/// The port of HTTPS.
const PORT: u16 = 443;
/// The longest answer to a posted report that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// Fetches policies, and posts reports.
#[derive(Clone, Debug)]
pub struct Fetcher {
    config: Arc<ClientConfig>,
    limit: Duration,
    port: u16,
}

impl Fetcher {
    /// One that trusts these roots.
    ///
    /// # Errors
    ///
    /// If TLS can't be set up with them.
    pub fn new(roots: RootCertStore) -> Result<Self> {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions().map_err(|error| Error::Tls(error.to_string()))?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Each time the certificate is seen and checked.
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), limit: LIMIT, port: PORT })
    }

    /// Fetches the policy of a domain, from `mta-sts.DOMAIN` at these addresses, or else at those that the system finds.
    ///
    /// # Errors
    ///
    /// Why not, in the form that [`sts::Known::fetched`] takes.
    pub async fn policy(&self, domain: &Domain, at: Option<&[IpAddr]>) -> Result<sts::Policy, FetchFailure> {
        let failure = |problem, detail: &str| FetchFailure::new(problem, detail.to_owned());
        let host: Domain = format!("mta-sts.{domain}").parse().map_err(|_| {
            failure(FetchProblem::Fetch, "the domain's name is too long for one with mta-sts in front of it")
        })?;
        let request = Request::get("/.well-known/mta-sts.txt").header(header::ACCEPT, "text/plain");
        let request = self.request(request, &host, self.port, Bytes::new());
        let request = request.map_err(|error| failure(FetchProblem::Fetch, &error.to_string()))?;
        let server = Server { host: &host, port: self.port, at };
        let answer = self.within(exchange::exchange(&self.config, server, request, sts::MAX_BODY)).await?;
        let body = match (answer.status, answer.body) {
            (StatusCode::OK, Some(body)) => body,
            (StatusCode::OK, None) => return Err(failure(FetchProblem::Invalid, "the policy is longer than 64 KiB")),
            (status, _) if status.is_redirection() => {
                let detail = format!("status {}: redirects are not followed", status.as_u16());
                return Err(failure(FetchProblem::Fetch, &detail));
            }
            (status, _) => return Err(failure(FetchProblem::Fetch, &format!("status {}", status.as_u16()))),
        };
        sts::Policy::parse(&body).map_err(|error| failure(FetchProblem::Invalid, &error.to_string()))
    }

    /// Posts a report, packed with [`crate::tlsrpt::Report::gzip`], to a place that [`crate::tlsrpt::Rua::Https`] names:
    /// at these addresses, or else at those that the system finds.
    ///
    /// # Errors
    ///
    /// If it is not taken: the URI is none of HTTPS with a name in it, the server can't be reached, its certificate is
    /// not valid, or its answer is no success.
    pub async fn post_report(&self, uri: &str, gzip: Vec<u8>, at: Option<&[IpAddr]>) -> Result<()> {
        let error = |problem: &str| Error::Https { problem: problem.to_owned() };
        let uri: Uri = uri.parse().map_err(|_| error("it is no URI"))?;
        if uri.scheme_str() != Some("https") {
            return Err(error("it is no URI of HTTPS"));
        }
        let host =
            uri.host().and_then(|host| host.parse::<Domain>().ok()).ok_or_else(|| error("it names no server"))?;
        let port = uri.port_u16().unwrap_or(PORT);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::builder().method(Method::POST).uri(path);
        let request = request.header(header::CONTENT_TYPE, "application/tlsrpt+gzip");
        let request = self.request(request, &host, port, gzip.into()).map_err(|problem| error(&problem.to_string()))?;
        let server = Server { host: &host, port, at };
        let answer = self.within(exchange::exchange(&self.config, server, request, MAX_ANSWER)).await;
        let status = answer.map_err(|failure| error(&failure.detail))?.status;
        if status.is_success() { Ok(()) } else { Err(error(&format!("status {}", status.as_u16()))) }
    }

    #[expect(clippy::unused_self, reason = "what a request says belongs to who sends it")]
    fn request(
        &self,
        request: hyper::http::request::Builder,
        host: &Domain,
        port: u16,
        body: Bytes,
    ) -> hyper::http::Result<Request<exchange::Body>> {
        let authority = if port == PORT { host.to_string() } else { format!("{host}:{port}") };
        let request = request.header(header::HOST, authority).header(header::CONNECTION, "close");
        request.header(header::USER_AGENT, "sealpost").body(exchange::Body::new(body))
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, Failed>>) -> Result<T, FetchFailure> {
        let failure = match tokio::time::timeout(self.limit, work).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(failure)) => failure,
            Err(_) => Failed { problem: FetchProblem::Fetch, detail: "it took too long".to_owned() },
        };
        Err(FetchFailure::new(failure.problem, failure.detail))
    }
}
