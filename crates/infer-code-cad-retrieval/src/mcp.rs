//! Documentation for agents: a server of the [Model Context Protocol](https://modelcontextprotocol.io) with the two
//! tools of Context7, `resolve-library-id` and `query-docs`, over passages of one's own.
//!
//! An agent that knows Context7 uses it unchanged, without a network.

mod docs;
mod error;
mod server;
mod text;

pub use docs::{Docs, DocsConfig};
pub use error::McpError;
pub use server::serve_stdio;
