//! The weights of a repository: one file, or the shards that an index names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::HubError;

pub(crate) const SINGLE: &str = "model.safetensors";
pub(crate) const INDEX: &str = "model.safetensors.index.json";

/// The distinct file names of an index, each checked to be a plain one.
pub(crate) fn shards_of(file: &str, json: &[u8]) -> Result<BTreeSet<String>, HubError> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    if json.starts_with(b"version https://git-lfs.github.com/spec/v1") {
        return Err(HubError::LfsPointer { file: file.into() });
    }
    let index: Index = serde_json::from_slice(json)
        .map_err(|e| HubError::Json { file: file.into(), source: e.into() })?;
    let shards: BTreeSet<String> = index.weight_map.into_values().collect();
    let is_plain = |shard: &str| Path::new(shard).file_name().is_some_and(|name| name == shard);
    match shards.iter().find(|shard| !is_plain(shard)) {
        None => Ok(shards),
        Some(shard) => Err(HubError::ShardName { file: file.into(), shard: shard.clone() }),
    }
}
