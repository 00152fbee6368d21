use std::error::Error;

use postgres::error::SqlState;

/// Why vectors in PostgreSQL could not be stored or searched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PgVectorError {
    /// The address of the server cannot be read.
    #[error(
        "the server's address cannot be read ({source}); write it as host=HOST port=5432 user=NAME dbname=NAME"
    )]
    Address {
        /// What is wrong with it.
        source: postgres::Error,
    },
    /// The name of the table is none that goes into a statement as it is.
    #[error("{table:?} names no table; take 1 to 58 of a-z, 0-9 and _, a letter first")]
    Table {
        /// The name.
        table: String,
    },
    /// The table is there and is not one of this crate.
    #[error("the table {table} has no column vector of vectors; name another, or drop it")]
    ForeignTable {
        /// The name.
        table: String,
    },
    /// Vectors too long for pgvector.
    #[error("pgvector holds vectors of 1 to {most} values {for_what}, not of {dimension}")]
    TooLong {
        /// The most values.
        most: usize,
        /// What has that limit.
        for_what: &'static str,
        /// Values asked for.
        dimension: usize,
    },
    /// A parameter that the server would pass over in silence.
    #[error("ef_search is {value}; pgvector takes 1 to 1000")]
    EfSearch {
        /// What it was set to.
        value: u16,
    },
    /// There is no server, or it lets nobody in.
    #[error("no connection to the server ({}); check that it runs, and its address and rights", words(.source))]
    Connect {
        /// What the client or the server said.
        source: postgres::Error,
    },
    /// The server does not have pgvector.
    #[error("the server has no extension vector ({}); install pgvector there, or let its owner run CREATE EXTENSION vector", words(.source))]
    Extension {
        /// What the server said.
        source: postgres::Error,
    },
    /// The connection broke, again after a second try.
    #[error("the connection to the server broke ({}); try again when it runs", words(.source))]
    Lost {
        /// What the client or the server said.
        source: postgres::Error,
    },
    /// The connection broke while the server was told to keep a change.
    #[error("the connection broke in the middle of a commit ({}); see whether the change is there before trying again", words(.source))]
    Unsure {
        /// What the client said.
        source: postgres::Error,
    },
    /// The server refused a statement.
    #[error("the server refused: {}", words(.source))]
    Server {
        /// What it said.
        source: postgres::Error,
    },
}

impl PgVectorError {
    /// A failed statement: whether the connection or the server is at fault.
    pub(super) fn of(source: postgres::Error) -> Self {
        let stopping = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::IDLE_SESSION_TIMEOUT,
        ];
        match source.code() {
            Some(code) if !stopping.contains(code) => Self::Server { source },
            Some(_) => Self::Lost { source },
            // Errors of the server have a code; without one it is the connection, or a value that cannot be sent.
            None if source.is_closed() || is_io(&source) => Self::Lost { source },
            None => Self::Server { source },
        }
    }
}

fn is_io(error: &postgres::Error) -> bool {
    error.source().is_some_and(|source| source.is::<std::io::Error>())
}

/// An error with what caused it: the client's own words are only "db error".
fn words(error: &postgres::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
