//! Where connections come from.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};

use crate::{Error, Result};

/// A socket that takes connections.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Listens at a TCP address. Whoever reaches it may ask: let it be one of the loopback.
    ///
    /// # Errors
    ///
    /// [`Error::Socket`] if the system refuses.
    pub async fn tcp(address: SocketAddr) -> Result<Self> {
        TcpListener::bind(address).await.map(|listener| Self(Kind::Tcp(listener))).map_err(Error::socket("listening"))
    }

    /// Listens at a UNIX socket at `path`, whose permissions become `mode`. A socket that nobody listens at any more is
    /// replaced. When the listener is dropped, the socket is removed.
    ///
    /// # Errors
    ///
    /// [`Error::Socket`] if something else is there, somebody listens there, or the system refuses.
    pub async fn unix(path: impl AsRef<Path>, mode: u32) -> Result<Self> {
        let path = path.as_ref();
        if let Ok(there) = fs::symlink_metadata(path)
            && there.file_type().is_socket()
            && UnixStream::connect(path).await.is_err()
        {
            fs::remove_file(path).map_err(Error::socket("removing a socket that is left over"))?;
        }
        let listener = UnixListener::bind(path).map_err(Error::socket("listening"))?;
        let listener = Self(Kind::Unix(listener, path.into()));
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(Error::socket("setting permissions"))?;
        Ok(listener)
    }

    /// Its TCP address, the port of which the system may have chosen; `None` for a UNIX socket.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.0 {
            Kind::Tcp(listener) => listener.local_addr().ok(),
            Kind::Unix(..) => None,
        }
    }

    /// The next connection, and where it comes from.
    pub(super) async fn accept(&self) -> Result<(Stream, String)> {
        let failed = Error::socket("taking a connection");
        match &self.0 {
            Kind::Tcp(listener) => {
                let (stream, peer) = listener.accept().await.map_err(failed)?;
                // A reply is one small segment: it must not wait for another.
                let _ = stream.set_nodelay(true);
                Ok((Stream::Tcp(stream), peer.to_string()))
            }
            Kind::Unix(listener, path) => {
                let (stream, _) = listener.accept().await.map_err(failed)?;
                Ok((Stream::Unix(stream), path.display().to_string()))
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Kind::Unix(_, path) = &self.0 {
            // Nothing is to be done if it is gone.
            let _ = fs::remove_file(path);
        }
    }
}

/// A connection.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, into),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, octets),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
