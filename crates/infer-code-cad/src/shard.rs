use std::fmt;
use std::str::FromStr;

/// The part of a run that one process does, of many that share none of their work: `2/4` is the second of four.
///
/// Problems are dealt out in turn, so `1/4` has the first, the fifth and so on: parts differ by one problem at
/// most, and easy and hard ones spread. All samples of a problem stay together, so that its prompt is written and
/// read once. A draft depends on its problem and its number alone, so parts come to the results of the whole run:
/// [`merge`](crate::merge) puts their journals together.
///
/// # Examples
/// ```
/// use infer_code_cad::Shard;
///
/// let shard: Shard = "2/4".parse()?;
/// assert_eq!((shard.index(), shard.count()), (2, 4));
/// assert_eq!(shard.part(0..10).collect::<Vec<_>>(), [1, 5, 9]);
/// assert_eq!(Shard::default().part(0..3).count(), 3, "without more ado the whole");
/// # Ok::<(), infer_code_cad::ShardError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// Shard `index` of `count`, counted from 1.
    ///
    /// # Errors
    /// [`ShardError::NoShards`] and [`ShardError::OutOfRange`].
    pub fn new(index: usize, count: usize) -> Result<Self, ShardError> {
        match count {
            0 => Err(ShardError::NoShards),
            _ if (1..=count).contains(&index) => Ok(Self { index, count }),
            _ => Err(ShardError::OutOfRange { index, count }),
        }
    }

    /// Which one, from 1.
    pub fn index(self) -> usize {
        self.index
    }

    /// Of how many.
    pub fn count(self) -> usize {
        self.count
    }

    /// Whether it is all there is.
    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// Its part of what comes in the order of the problems.
    pub fn part<I: IntoIterator>(self, items: I) -> impl Iterator<Item = I::Item> {
        items.into_iter().skip(self.index - 1).step_by(self.count)
    }
}

impl Default for Shard {
    /// `1/1`, the whole.
    fn default() -> Self {
        Self { index: 1, count: 1 }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let numbers = text
            .split_once('/')
            .and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        let (index, count) = numbers.ok_or_else(|| ShardError::Form { text: text.to_owned() })?;
        Self::new(index, count)
    }
}

/// Why there is no such [`Shard`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// A text is no shard.
    #[error("{text:?} is no shard; write the second of four as 2/4")]
    Form {
        /// The text.
        text: String,
    },
    /// A run of no shards.
    #[error("a run cannot be split into 0 shards; split it into 1 or more")]
    NoShards,
    /// There are fewer.
    #[error(
        "there is no shard {index}/{count}; shards count from 1, so take one of 1/{count} to {count}/{count}"
    )]
    OutOfRange {
        /// Which one was asked for.
        index: usize,
        /// Of how many.
        count: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_in_one_shard() {
        for (problems, count) in [(10, 3), (3, 5), (0, 2), (146, 1)] {
            let shards = (1..=count).map(|index| Shard { index, count });
            let parts: Vec<Vec<usize>> =
                shards.map(|shard| shard.part(0..problems).collect()).collect();
            let sizes = parts.iter().map(Vec::len);
            assert!(sizes.clone().max().unwrap_or(0) <= sizes.min().unwrap_or(0) + 1);
            let mut all = parts.concat();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..problems), "{problems} in {count}");
        }
    }

    #[test]
    fn only_shards_are_parsed() {
        assert_eq!("3/3".parse().map(|shard: Shard| shard.to_string()), Ok("3/3".to_owned()));
        for text in ["", "3", "1/", "/2", "1/2/3", "-1/2", "1 /2", "a/b"] {
            let form = ShardError::Form { text: text.to_owned() };
            assert_eq!(text.parse::<Shard>(), Err(form));
        }
        assert_eq!("0/0".parse::<Shard>(), Err(ShardError::NoShards));
        for (text, index) in [("0/2", 0), ("3/2", 3)] {
            assert_eq!(text.parse::<Shard>(), Err(ShardError::OutOfRange { index, count: 2 }));
        }
    }
}
