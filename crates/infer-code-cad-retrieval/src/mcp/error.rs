use std::error::Error;
use std::io;

/// Why the server does not run, or no longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum McpError {
    /// The system gave no thread or no poll.
    #[error("the server cannot start: {source}; free some memory or file descriptors")]
    Start {
        /// What the system said.
        source: io::Error,
    },
    /// No client said hello on the standard input.
    #[error(
        "no client of the Model Context Protocol speaks on the standard input: {source}; let one start this program"
    )]
    Hello {
        /// What came instead.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server broke down.
    #[error("the server broke down: {source}")]
    Broken {
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}
