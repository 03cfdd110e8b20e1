//! Against a server of rustls on loopback.

use std::net::Ipv4Addr;

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
    task::JoinHandle,
    time::sleep,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use self::made::{Key, Spec};
use super::*;
use crate::sts::{Mode, Policy};

#[path = "../../tests/tls/made.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod made;

const HERE: [IpAddr; 1] = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
const GOOD: &str = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 86400\n";

/// What a server does once it has read a request.
#[derive(Clone)]
enum Does {
    /// Says that, and closes.
    Says(Vec<u8>),
    /// Says that, and closes without telling that it does (RFC 8446 §6.1).
    BreaksOff(Vec<u8>),
    /// Says the first, and then the second again and again.
    Drips(&'static [u8], &'static [u8]),
    /// Says nothing.
    Hangs,
}

/// What a server saw.
struct Saw {
    name: Option<String>,
    request: Vec<u8>,
}

struct Site {
    fetcher: Fetcher,
    server: JoinHandle<Vec<Saw>>,
}

/// Whom a certificate is for, and whether it is valid.
struct Shown {
    name: &'static str,
    days: (i64, i64),
    trusted: bool,
}

const RIGHT: Shown = Shown { name: "mta-sts.example.org", days: (-10_000, 10_000), trusted: true };

async fn site(shown: Shown, does: Does) -> Site {
    let (authority, key) = (Key::new(), Key::new());
    let always = (-10_000, 10_000);
    let root = Spec { valid: always, ..Spec::authority("an authority", "an authority") }.sign(&authority, &authority);
    let leaf = Spec { valid: shown.days, ..Spec::host("an authority", &[shown.name]) }.sign(&key, &authority);
    let mut roots = RootCertStore::empty();
    if shown.trusted {
        roots.add(root).unwrap();
    }
    let listener = TcpListener::bind((HERE[0], 0)).await.unwrap();
    let mut fetcher = Fetcher::new(roots).unwrap();
    fetcher.port = listener.local_addr().unwrap().port();
    fetcher.limit = Duration::from_millis(1500);
    let server = tokio::spawn(serve(listener, leaf, key, does));
    Site { fetcher, server }
}

/// Takes connections until nobody comes for a while.
async fn serve(listener: TcpListener, leaf: CertificateDer<'static>, key: Key, does: Does) -> Vec<Saw> {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![leaf], PrivatePkcs8KeyDer::from(key.0.clone()).into()).unwrap();
    let (acceptor, mut saw) = (TlsAcceptor::from(Arc::new(config)), Vec::new());
    let mut patience = Duration::from_secs(10);
    while let Ok(Ok((tcp, _))) = tokio::time::timeout(patience, listener.accept()).await {
        patience = Duration::from_millis(100);
        let Ok(mut tls) = acceptor.accept(tcp).await else { continue };
        let name = tls.get_ref().1.server_name().map(str::to_owned);
        let mut request = vec![0; 4096];
        let len = tls.read(&mut request).await.unwrap_or_default();
        request.truncate(len);
        while let Ok(Ok(len @ 1..)) = tokio::time::timeout(Duration::from_millis(30), tls.read_buf(&mut request)).await
        {
            assert!(len < 4096);
        }
        saw.push(Saw { name, request });
        answer(tls, does.clone()).await;
    }
    saw
}

async fn answer(mut tls: TlsStream<TcpStream>, does: Does) {
    match does {
        Does::Says(text) => {
            let _ = tls.write_all(&text).await;
            let _ = tls.shutdown().await;
        }
        Does::BreaksOff(text) => {
            let _ = tls.write_all(&text).await;
            let _ = tls.flush().await;
        }
        Does::Drips(head, piece) => {
            let _ = tls.write_all(head).await;
            while tls.write_all(piece).await.is_ok() && tls.flush().await.is_ok() {
                sleep(Duration::from_millis(2)).await;
            }
        }
        Does::Hangs => sleep(Duration::from_secs(3)).await,
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// What a fetch gives, and how often the server was asked.
fn fetch(shown: Shown, does: Does) -> (Result<Policy, FetchFailure>, Vec<Saw>) {
    run(async {
        let site = site(shown, does).await;
        let found = site.fetcher.policy(&"example.org".parse().unwrap(), Some(&HERE)).await;
        (found, site.server.await.unwrap())
    })
}

fn says(head: &str, body: &str) -> Does {
    Does::Says(format!("HTTP/1.1 {head}\r\n\r\n{body}").into_bytes())
}

#[test]
fn a_policy_is_fetched() {
    let (head, rest) = GOOD.split_at(20);
    let chunked = format!("{:x}\r\n{head}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n", head.len(), rest.len());
    let wanted = Policy::new(Mode::Enforce, &["mx.example.org"], 86_400).unwrap();
    for does in [
        says(&format!("200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}", GOOD.len()), GOOD),
        says("200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked", &chunked),
        says("200 OK\r\nConnection: close", &GOOD.replace('\n', "\r\n")),
    ] {
        let (found, saw) = fetch(RIGHT, does);
        assert_eq!(found.unwrap(), wanted);
        assert_eq!((saw.len(), saw[0].name.as_deref()), (1, Some("mta-sts.example.org")));
        let request = String::from_utf8(saw[0].request.clone()).unwrap().to_lowercase();
        assert!(request.starts_with("get /.well-known/mta-sts.txt http/1.1\r\n"), "{request}");
        assert!(request.contains("\r\nhost: mta-sts.example.org:"), "{request}");
    }
}

#[test]
fn a_policy_that_is_not_there_is_not_fetched() {
    let moved = "301 Moved Permanently\r\nLocation: https://mta-sts.example.org/other\r\nContent-Length: 0";
    let long = format!("{GOOD}{}", "x: y\n".repeat(14_000));
    let many = format!("200 OK\r\n{}Content-Length: 0", format!("X: {}\r\n", "y".repeat(1000)).repeat(100));
    let endless = [&b"400\r\n"[..], &[b'\n'; 0x400], b"\r\n"].concat();
    let endless = [&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..], &endless.repeat(100)].concat();
    let slow = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let whole = |length| format!("HTTP/1.1 200 OK\r\n{length}\r\n\r\n{GOOD}").into_bytes();
    for (does, problem, detail) in [
        (says(moved, ""), FetchProblem::Fetch, "status 301: redirects are not followed"),
        (says("307 Temporary Redirect\r\nLocation: /x", GOOD), FetchProblem::Fetch, "status 307: redirects"),
        (says("404 Not Found\r\nContent-Length: 0", ""), FetchProblem::Fetch, "status 404"),
        (says("204 No Content", ""), FetchProblem::Fetch, "status 204"),
        (says("500 Oh", GOOD), FetchProblem::Fetch, "status 500"),
        (says("200 OK\r\nContent-Length: 22", "<html>not found</html>"), FetchProblem::Invalid, "line 1"),
        (says("200 OK\r\nContent-Length: 0", ""), FetchProblem::Invalid, "the version is missing"),
        (
            says(&format!("200 OK\r\nContent-Length: {}", long.len()), &long),
            FetchProblem::Invalid,
            "longer than 64 KiB",
        ),
        (Does::Says(endless), FetchProblem::Invalid, "longer than 64 KiB"),
        (says(&many, ""), FetchProblem::Fetch, "HTTP: "),
        (Does::Says(b"220 mx.example.org ESMTP\r\n".to_vec()), FetchProblem::Fetch, "HTTP: "),
        (Does::Says(Vec::new()), FetchProblem::Fetch, "HTTP: "),
        (Does::Says(whole("Content-Length: 1000")), FetchProblem::Fetch, "HTTP: "),
        // The end of a policy must not be cut off by whoever is on the way.
        (Does::BreaksOff(whole("Connection: close")), FetchProblem::Fetch, "HTTP: "),
        (Does::Hangs, FetchProblem::Fetch, "it took too long"),
        (Does::Drips(b"", b"H"), FetchProblem::Fetch, "it took too long"),
        (Does::Drips(slow, b"1\r\n\n\r\n"), FetchProblem::Fetch, "it took too long"),
    ] {
        let (found, saw) = fetch(RIGHT, does);
        let failure = found.unwrap_err();
        assert!(failure.problem == problem && failure.detail.contains(detail), "{detail}: {failure:?}");
        assert_eq!(saw.len(), 1, "{detail}");
    }
}

#[test]
fn a_certificate_must_be_valid_for_the_server() {
    for (shown, detail) in [
        (Shown { name: "example.org", ..RIGHT }, "not valid for name"),
        (Shown { name: "*.mta-sts.example.org", ..RIGHT }, "not valid for name"),
        (Shown { days: (-3000, -2000), ..RIGHT }, "expired"),
        (Shown { days: (5000, 6000), ..RIGHT }, "not valid yet"),
        (Shown { trusted: false, ..RIGHT }, "UnknownIssuer"),
    ] {
        let (found, saw) = fetch(shown, says("200 OK\r\nConnection: close", GOOD));
        let failure = found.unwrap_err();
        assert_eq!(failure.problem, FetchProblem::WebPki, "{failure:?}");
        assert!(failure.detail.contains(detail), "{detail}: {failure:?}");
        // Not an octet of HTTP was sent.
        assert!(saw.iter().all(|saw| saw.request.is_empty()));
    }
    let (found, _) = fetch(Shown { name: "*.example.org", ..RIGHT }, says("200 OK\r\nConnection: close", GOOD));
    assert!(found.is_ok());
}

#[test]
fn what_is_no_server_gives_no_policy() {
    run(async {
        let listener = TcpListener::bind((HERE[0], 0)).await.unwrap();
        let mut fetcher = Fetcher::new(RootCertStore::empty()).unwrap();
        (fetcher.port, fetcher.limit) = (listener.local_addr().unwrap().port(), Duration::from_secs(5));
        let domain = "example.org".parse().unwrap();
        let plain = tokio::spawn(async move {
            let mut tcp = listener.accept().await.unwrap().0;
            tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        });
        let failure = fetcher.policy(&domain, Some(&HERE)).await.unwrap_err();
        assert!(failure.problem == FetchProblem::Fetch && failure.detail.starts_with("TLS: "), "{failure:?}");
        plain.await.unwrap();
        // The listener is gone.
        let failure = fetcher.policy(&domain, Some(&HERE)).await.unwrap_err();
        assert!(failure.detail.starts_with("no connection to 127.0.0.1: "), "{failure:?}");
        let failure = fetcher.policy(&domain, Some(&[])).await.unwrap_err();
        assert_eq!(failure.detail, "the server has no address");
        let long: Domain = format!("{0}.{0}.{0}.{1}", "a".repeat(62), "b".repeat(60)).parse().unwrap();
        let failure = fetcher.policy(&long, Some(&HERE)).await.unwrap_err();
        assert!(failure.detail.contains("too long for one with mta-sts"), "{failure:?}");
    });
}

#[test]
fn reports_are_posted() {
    for (head, taken) in [
        ("200 OK\r\nContent-Length: 0", true),
        ("201 Created\r\nContent-Length: 0", true),
        ("204 No Content", true),
        ("302 Found\r\nLocation: /x\r\nContent-Length: 0", false),
        ("400 Bad Request\r\nContent-Length: 0", false),
    ] {
        run(async {
            let site = site(Shown { name: "reports.example.org", ..RIGHT }, says(head, "")).await;
            let uri = format!("https://reports.example.org:{}/v1/tlsrpt?a=b", site.fetcher.port);
            let report = vec![0x1f, 0x8b, 0, 1, 2, 3];
            let done = site.fetcher.post_report(&uri, report.clone(), Some(&HERE)).await;
            assert_eq!(done.is_ok(), taken, "{head}: {done:?}");
            let saw = site.server.await.unwrap();
            assert_eq!(saw.len(), 1);
            let head = String::from_utf8_lossy(&saw[0].request).to_lowercase();
            assert!(
                head.starts_with("post /v1/tlsrpt?a=b http/1.1\r\n") && saw[0].request.ends_with(&report),
                "{head}"
            );
            for field in ["content-type: application/tlsrpt+gzip\r\n", "content-length: 6\r\n"] {
                assert!(head.contains(field), "{head}");
            }
        });
    }
    run(async {
        let fetcher = Fetcher::new(RootCertStore::empty()).unwrap();
        for (uri, problem) in [
            ("http://reports.example.org/", "no URI of HTTPS"),
            ("https://192.0.2.1/", "names no server"),
            ("https://[::1]/", "names no server"),
            ("/", "no URI of HTTPS"),
            ("https://a b/", "no URI"),
        ] {
            let error = fetcher.post_report(uri, Vec::new(), Some(&HERE)).await.unwrap_err().to_string();
            assert!(error.contains(problem), "{uri}: {error}");
        }
    });
}
