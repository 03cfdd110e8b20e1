//! A server of a small dialogue: a line is echoed.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{Dialogue, Event, Limits, Listener, serve};
use crate::{Error, Result};

/// Echoes lines; `slow` after a second, `end` ends the connection, an exclamation mark is junk.
#[derive(Default)]
struct Echo {
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Dialogue for Echo {
    type Request = String;

    fn decode(&self, input: &[u8]) -> Result<Option<(String, usize)>> {
        if input.contains(&b'!') || input.len() > 1_000_000 {
            return Err(Error::Socketmap("junk"));
        }
        let end = input.iter().position(|c| *c == b'\n');
        Ok(end.map(|end| (String::from_utf8_lossy(&input[..end]).into(), end + 1)))
    }

    async fn answer(&self, request: String) -> Option<Vec<u8>> {
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        if request == "slow" {
            sleep(Duration::from_secs(1)).await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        (request != "end").then(|| format!("{request}\n").into())
    }

    fn parting(&self, error: &Error) -> Option<Vec<u8>> {
        Some(format!("bye: {error}\n").into())
    }
}

struct Running {
    address: SocketAddr,
    echo: Arc<Echo>,
    events: Arc<Mutex<Vec<String>>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

const LIMITS: Limits = Limits {
    connections: 4,
    idle: Duration::from_secs(20),
    request: Duration::from_secs(2),
    grace: Duration::from_secs(5),
};

async fn run(limits: Limits) -> Running {
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.address().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (echo, events) = (Arc::new(Echo::default()), Arc::<Mutex<Vec<String>>>::default());
    let (dialogue, log) = (Arc::clone(&echo), Arc::clone(&events));
    let journal = Arc::new(move |event: &Event<'_>| log.lock().unwrap().push(event.to_string()));
    let stopped = async move { drop(stopped.await) };
    let task = tokio::spawn(serve(listener, dialogue, limits, journal, stopped));
    Running { address, echo, events, stop, task }
}

/// What comes back until the other side ends.
async fn all(stream: &mut TcpStream) -> String {
    let mut back = String::new();
    let _ = stream.read_to_string(&mut back).await;
    back
}

async fn some(stream: &mut TcpStream, length: usize) -> String {
    let mut back = vec![0; length];
    stream.read_exact(&mut back).await.unwrap();
    String::from_utf8(back).unwrap()
}

#[tokio::test]
async fn a_silence_takes_no_time_from_the_request_behind_it() {
    let running = run(LIMITS).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    sleep(LIMITS.request + Duration::from_millis(200)).await;
    stream.write_all(b"o").await.unwrap();
    sleep(Duration::from_millis(200)).await;
    stream.write_all(b"ne\n").await.unwrap();
    assert_eq!(some(&mut stream, 4).await, "one\n");
}

#[tokio::test]
async fn requests_are_answered_in_their_order_however_they_come_in() {
    let running = run(LIMITS).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"one\ntwo\nslow\nthr").await.unwrap();
    assert_eq!(some(&mut stream, 13).await, "one\ntwo\nslow\n");
    stream.write_all(b"ee\n").await.unwrap();
    assert_eq!(some(&mut stream, 6).await, "three\n");
    let many: String = (0..20_000).flat_map(|index| [index.to_string(), "\n".into()]).collect();
    let (mut read, mut write) = stream.split();
    let mut back = vec![0; many.len()];
    let (read, written) = tokio::join!(read.read_exact(&mut back), write.write_all(many.as_bytes()));
    assert!(read.is_ok() && written.is_ok());
    assert_eq!(back, many.as_bytes());
}

#[tokio::test]
async fn junk_ends_its_connection_and_no_other() {
    let running = run(LIMITS).await;
    let mut good = TcpStream::connect(running.address).await.unwrap();
    for junk in ["!", "one\n!two\n", "half"] {
        let mut bad = TcpStream::connect(running.address).await.unwrap();
        bad.write_all(junk.as_bytes()).await.unwrap();
        bad.shutdown().await.unwrap();
        let back = all(&mut bad).await;
        assert!(back.contains("bye: "), "{junk}: {back}");
        good.write_all(b"good\n").await.unwrap();
        assert_eq!(some(&mut good, 5).await, "good\n");
    }
    assert_eq!(running.events.lock().unwrap().len(), 3);
    let mut over = TcpStream::connect(running.address).await.unwrap();
    over.write_all(b"end\nno more\n").await.unwrap();
    assert_eq!(all(&mut over).await, "");
}

#[tokio::test]
async fn whoever_is_silent_or_too_slow_is_put_out() {
    let limits = Limits { idle: Duration::from_millis(300), request: Duration::from_millis(600), ..LIMITS };
    let running = run(limits).await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    assert_eq!(all(&mut silent).await, "");
    let (mut slow, started) = (TcpStream::connect(running.address).await.unwrap(), Instant::now());
    // An octet at a time does not help.
    let (mut read, mut write) = slow.split();
    let dripping = async {
        while write.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let mut back = String::new();
    tokio::select! {
        () = dripping => {}
        _ = read.read_to_string(&mut back) => {}
    }
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(back, "bye: a request took too long\n");
    let mut late = TcpStream::connect(running.address).await.unwrap();
    late.write_all(b"slow\n").await.unwrap();
    assert_eq!(all(&mut late).await, "bye: an answer took too long\n");
}

#[tokio::test]
async fn whoever_does_not_read_is_put_out() {
    let running = run(Limits { request: Duration::from_millis(500), ..LIMITS }).await;
    let mut deaf = TcpStream::connect(running.address).await.unwrap();
    let line = format!("{}\n", "x".repeat(100_000));
    let flood = async { while deaf.write_all(line.as_bytes()).await.is_ok() {} };
    timeout(Duration::from_secs(20), flood).await.expect("the server reads on without end");
}

#[tokio::test]
async fn there_are_never_more_connections_than_so_many() {
    let running = run(LIMITS).await;
    let mut clients = Vec::new();
    for _ in 0..12 {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(b"slow\n").await.unwrap();
        clients.push(tokio::spawn(async move {
            assert_eq!(some(&mut stream, 5).await, "slow\n");
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(running.echo.most.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn the_end_lets_finish_what_came_in() {
    let Running { address, stop, task, .. } = run(LIMITS).await;
    let (mut busy, mut idle) = (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
    idle.write_all(b"one\n").await.unwrap();
    assert_eq!(some(&mut idle, 4).await, "one\n");
    busy.write_all(b"slow\n").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    stop.send(()).unwrap();
    assert_eq!(all(&mut busy).await, "slow\n");
    assert_eq!(all(&mut idle).await, "");
    timeout(Duration::from_secs(2), task).await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn the_end_comes_even_if_somebody_is_slow() {
    let limits = Limits { grace: Duration::from_millis(200), ..LIMITS };
    let Running { address, stop, task, .. } = run(limits).await;
    let mut busy = TcpStream::connect(address).await.unwrap();
    busy.write_all(b"slow\n").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    stop.send(()).unwrap();
    timeout(Duration::from_millis(600), task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_unix_socket_is_taken_over_from_the_dead_and_not_from_the_living() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    std::fs::write(&path, "a file").unwrap();
    assert!(Listener::unix(&path, 0o660).await.is_err());
    std::fs::remove_file(&path).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listener = Listener::unix(&path, 0o660).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    assert!(Listener::unix(&path, 0o660).await.is_err());
    let (stop, stopped) = oneshot::channel::<()>();
    let journal = Arc::new(|_: &Event<'_>| {});
    let task = tokio::spawn(serve(listener, Arc::new(Echo::default()), LIMITS, journal, async { drop(stopped.await) }));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(b"one\n").await.unwrap();
    let mut back = [0; 4];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"one\n");
    stop.send(()).unwrap();
    task.await.unwrap();
    assert!(!path.exists());
}
