//! Names to local paths: a directory, a file, or a repository of the Hugging Face hub.
//!
//! [`ModelSource`] reads a name; the cache that Hugging Face's libraries share is looked into always,
//! downloads into it need the feature `download`. The environment is not read here: [`HubConfig`] says
//! where the cache is.

#![forbid(unsafe_code)]

mod cache;
#[cfg(feature = "download")]
mod client;
#[cfg(feature = "download")]
mod download;
mod error;
mod repo;
mod shards;
mod source;
#[cfg(feature = "download")]
mod transfer;

#[cfg(feature = "download")]
pub use download::download;
pub use error::HubError;
pub(crate) use repo::is_commit;
pub use repo::{DownloadCallback, DownloadProgress, HubConfig, HubRepo};
pub use source::{MODEL_ALIASES, ModelSource};
