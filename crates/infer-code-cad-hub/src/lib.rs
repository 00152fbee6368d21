#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod cache;
#[cfg(feature = "download")]
mod client;
mod dataset;
#[cfg(feature = "download")]
mod download;
mod error;
mod repo;
mod shards;
mod source;
#[cfg(feature = "download")]
mod transfer;

pub use dataset::{BENCHMARK_DATASETS, Dataset, ProblemSource};
#[cfg(feature = "download")]
pub use download::download;
pub use error::HubError;
pub(crate) use repo::is_commit;
pub use repo::{DownloadCallback, DownloadProgress, HubConfig, HubRepo};
pub use source::{EMBEDDER_ALIASES, MODEL_ALIASES, ModelSource};
