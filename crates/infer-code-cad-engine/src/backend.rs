//! What backends share: caches of layers that forks hold together, the checks of a batch, its tokens end to end.

mod batch;
mod cache;
mod contexts;

pub use batch::{ModelLimits, Ragged, own_cache, own_cache_mut};
pub use cache::StreamCache;
pub use contexts::{Context, TwoContexts};
