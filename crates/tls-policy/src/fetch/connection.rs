//! A connection over TLS to a server.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::exchange::{Failed, Server};
use crate::sts::FetchProblem;

/// For so long one address is tried, so that there is time for the next.
const EACH: Duration = Duration::from_secs(15);
/// So many addresses are tried.
const MOST: usize = 8;

/// Connects, with the server's name for SNI, and for its certificate.
pub(super) async fn connect(config: &Arc<ClientConfig>, server: Server<'_>) -> Result<TlsStream<TcpStream>, Failed> {
    let name = ServerName::try_from(server.host.to_string());
    let name = name.map_err(|_| Failed::fetch(&"the server's name is none that a certificate could have"))?;
    let addresses = match server.at {
        Some(addresses) => given(addresses, server.port),
        None => resolved(server).await?,
    };
    let tcp = first(addresses).await?;
    TlsConnector::from(Arc::clone(config)).connect(name, tcp).await.map_err(|error| tls(&error))
}

/// Not in [`connect`]: a closure there would keep its future from being sent to another thread.
fn given(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    addresses.iter().map(|address| SocketAddr::new(*address, port)).collect()
}

async fn resolved(server: Server<'_>) -> Result<Vec<SocketAddr>, Failed> {
    let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
    found.map(Iterator::collect).map_err(|error| Failed::fetch(&format_args!("{} is not found: {error}", server.host)))
}

/// A connection to the first address that answers.
async fn first(addresses: impl IntoIterator<Item = SocketAddr>) -> Result<TcpStream, Failed> {
    let mut last = Failed::fetch(&"the server has no address");
    for address in addresses.into_iter().take(MOST) {
        let problem: io::Error = match tokio::time::timeout(EACH, TcpStream::connect(address)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        let ip: IpAddr = address.ip();
        last = Failed::fetch(&format_args!("no connection to {ip}: {problem}"));
    }
    Err(last)
}

/// Whether it is the certificate that is wrong, or something else.
fn tls(error: &io::Error) -> Failed {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(problem)) => {
            Failed { problem: FetchProblem::WebPki, detail: format!("the server's certificate: {problem}") }
        }
        Some(rustls::Error::NoCertificatesPresented) => {
            Failed { problem: FetchProblem::WebPki, detail: "the server shows no certificate".to_owned() }
        }
        _ => Failed::fetch(&format_args!("TLS: {error}")),
    }
}
