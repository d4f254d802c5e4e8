//! Stopping what a session is doing.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::{CancelToken, NoTls};

use super::Error;
use super::tls::Connector;

/// A resolved address.
#[derive(Debug, Clone)]
pub(super) enum Endpoint {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// What it takes to stop a statement that nobody waits for any more.
pub(super) struct Canceller {
    pub(super) token: CancelToken,
    pub(super) endpoint: Endpoint,
    pub(super) tls: Option<Connector>,
    pub(super) name: String,
}

impl Canceller {
    /// Asks the server to stop what the session is doing. Best effort: the answer is not told.
    pub(super) async fn cancel(&self) -> Result<(), Error> {
        match &self.endpoint {
            Endpoint::Tcp(address) => {
                let Ok(stream) = TcpStream::connect(address).await else { return Ok(()) };
                let ip = address.ip().to_string();
                match self.tls.as_ref().map(|connector| connector.handshake(&self.name, Some(&ip))) {
                    Some(Ok(handshake)) => self.token.cancel_query_raw(stream, handshake).await?,
                    Some(Err(_)) => {}
                    None => self.token.cancel_query_raw(stream, NoTls).await?,
                }
            }
            Endpoint::Unix(path) => {
                if let Ok(stream) = UnixStream::connect(path).await {
                    self.token.cancel_query_raw(stream, NoTls).await?;
                }
            }
        }
        Ok(())
    }
}
