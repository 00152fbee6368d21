use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The random numbers of one sample: ChaCha8 keyed with `seed`, `fnv1a(task)`, `sample` and `role`.
///
/// The key is the four numbers as little-endian 64-bit words.
pub(super) fn sample_rng(seed: u64, task: &str, role: u32, sample: usize) -> ChaCha8Rng {
    let mut key = [0; 32];
    let words = [seed, fnv1a(task.as_bytes()), sample as u64, u64::from(role)];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// The 64-bit hash of Fowler, Noll and Vo, [FNV-1a](http://www.isthe.com/chongo/tech/comp/fnv/).
///
/// It is the same on every machine and in every release, which the standard library does not
/// promise of its own.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::Rng;

    #[test]
    fn fnv1a_gives_the_published_values() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    /// The value comes from a separate implementation of ChaCha8; results of old runs rest on it.
    #[test]
    fn random_numbers_never_change() {
        assert_eq!(sample_rng(42, "HumanEval/7", 0, 3).next_u64(), 0xbfb7_2216_a54a_4af9);
    }

    #[test]
    fn every_part_of_the_key_changes_the_random_numbers() {
        let first = |seed, task, role, sample| sample_rng(seed, task, role, sample).next_u64();
        let base = first(0, "HumanEval/0", 0, 0);
        assert_eq!(first(0, "HumanEval/0", 0, 0), base);
        for other in [
            first(1, "HumanEval/0", 0, 0),
            first(0, "HumanEval/1", 0, 0),
            first(0, "HumanEval/0", 1, 0),
            first(0, "HumanEval/0", 0, 1),
        ] {
            assert_ne!(other, base);
        }
    }
}
