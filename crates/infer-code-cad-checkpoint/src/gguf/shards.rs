use std::collections::HashMap;
use std::path::Path;

use super::Shard;
use crate::CheckpointError;

/// Maps the shards beside `first`, which has the metadata; none when the model is in one file.
pub(super) fn others(path: &Path, first: &Shard) -> Result<Vec<Shard>, CheckpointError> {
    let (part, count) = place(first)?;
    if count == 1 {
        return Ok(vec![]);
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let suffix = |part: usize| format!("-{part:05}-of-{count:05}.gguf");
    let Some(prefix) = name.strip_suffix(suffix(part).as_str()) else {
        let expected = format!("the one of a file called NAME{}", suffix(part));
        return Err(first.unexpected("split.no", &expected));
    };
    let sibling = |part| format!("{prefix}{}", suffix(part));
    if part != 1 {
        let (file, first) = (first.file.clone(), sibling(1));
        return Err(CheckpointError::GgufShard { file, part, count, first });
    }
    let mut shards = Vec::new();
    for part in 2..=count {
        let path = path.with_file_name(sibling(part));
        if !path.is_file() {
            return Err(CheckpointError::MissingFile {
                checkpoint: path.parent().unwrap_or(&path).display().to_string(),
                file: sibling(part),
                remedy: "the first shard announces it; fetch every shard",
            });
        }
        let shard = Shard::map(&path)?;
        if place(&shard)? != (part, count) {
            return Err(shard.unexpected("split.no", &format!("{} of {count}", part - 1)));
        }
        shards.push(shard);
    }
    Ok(shards)
}

/// Which shard has a tensor: each is in one, and as many there are as the first shard announces.
pub(super) fn place_tensors(shards: &[Shard]) -> Result<HashMap<String, usize>, CheckpointError> {
    let mut place = HashMap::new();
    for (index, shard) in shards.iter().enumerate() {
        for name in shard.header.tensors.keys() {
            if let Some(other) = place.insert(name.clone(), index) {
                return Err(CheckpointError::TensorDoubled {
                    tensor: name.clone(),
                    files: [other, index].map(|index| shards[index].file.clone()),
                });
            }
        }
    }
    const COUNT: &str = "split.tensors.count";
    match shards[0].size(COUNT)? {
        Some(count) if count != place.len() => {
            let expected = format!("{}, which the files have", place.len());
            Err(shards[0].unexpected(COUNT, &expected))
        }
        _ => Ok(place),
    }
}

/// Refuses a shard where there is no directory to look for the others.
pub(super) fn check_single(shard: &Shard) -> Result<(), CheckpointError> {
    match place(shard)? {
        (_, 1) => Ok(()),
        _ => Err(shard.unexpected("split.count", "1 for a model in memory")),
    }
}

/// Which part this is, from 1, and of how many.
fn place(shard: &Shard) -> Result<(usize, usize), CheckpointError> {
    // The file name has five digits.
    const MAX_SHARDS: usize = 99_999;
    let count = shard.size("split.count")?.unwrap_or(1).max(1);
    let part = shard.size("split.no")?.unwrap_or(0).saturating_add(1);
    if count > MAX_SHARDS {
        return Err(shard.unexpected("split.count", "at most 99999"));
    }
    if part > count {
        return Err(shard.unexpected("split.no", &format!("a number below {count}")));
    }
    Ok((part, count))
}
