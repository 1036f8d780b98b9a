//! Why a proxy could not be set up, steered or ended.

use std::net::SocketAddr;

use testbed::Explain;

/// Why a proxy could not be set up, steered or ended. What goes wrong with a single request is told to its caller.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The address cannot be listened on.
    #[error("the proxy cannot listen on {address}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The limit on the size of heads is under what HTTP/1.1 needs.
    #[error("a limit of {asked} bytes on the head of a message is under the {least} bytes it must be")]
    HeadLimit {
        /// Bytes asked for.
        asked: usize,
        /// Bytes needed.
        least: usize,
    },
    /// A header selection that no request can ever match.
    #[error("no request can have the header {name:?} with the value {value:?}: {reason}")]
    Selection {
        /// The header's name as given.
        name: String,
        /// The value as given.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A target that is the proxy itself.
    #[error("{address} is the proxy's own address: requests would go round for ever")]
    Loop {
        /// The address.
        address: SocketAddr,
    },
    /// A task of the proxy panicked.
    #[error("a task of the proxy on {address} panicked: {message}")]
    Panicked {
        /// Where the proxy listened.
        address: SocketAddr,
        /// The first panic's message.
        message: String,
    },
}

impl Explain for ProxyError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Loop { .. } => Some(
                "give the address of the process on the workstation, not that of the service it replaces"
                    .to_owned(),
            ),
            Self::Selection { .. } => {
                Some("a header is given as `name=value`, for example `x-debug=me`".to_owned())
            }
            Self::Bind { .. } | Self::HeadLimit { .. } | Self::Panicked { .. } => None,
        }
    }
}
