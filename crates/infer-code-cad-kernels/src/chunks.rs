use crate::disjoint::Disjoint;
use crate::isa::{Simd, with_simd};
use crate::{Isa, Pool};

/// Multiplications below which a second thread costs more than it saves.
const PARALLEL_FROM: usize = 1 << 16;

impl Pool {
    /// Calls `each` with every index and chunk of `data` (the last may be shorter), on all threads,
    /// each compiled for the pool's instruction set where it is `#[inline(always)]`.
    ///
    /// # Panics
    /// When `chunk_len` is zero, and with the panic of a call.
    pub fn for_chunks<T: Send>(
        &self,
        data: &mut [T],
        chunk_len: usize,
        each: impl Fn(usize, &mut [T]) + Sync,
    ) {
        self.for_chunks_of_work(usize::MAX, data, chunk_len, each);
    }

    /// [`Pool::for_chunks`] where all calls together make about `work` multiplications: on this thread
    /// alone if they are too few to wake the others for.
    ///
    /// # Panics
    /// As it does.
    pub fn for_chunks_of_work<T: Send>(
        &self,
        work: usize,
        data: &mut [T],
        chunk_len: usize,
        each: impl Fn(usize, &mut [T]) + Sync,
    ) {
        assert!(chunk_len > 0, "chunks of no element");
        let len = data.len();
        let data = Disjoint::new(data);
        let part = |i: usize| {
            let range = i * chunk_len..((i + 1) * chunk_len).min(len);
            // SAFETY: each chunk is its own part, and each part is called once.
            let chunk = unsafe { data.part(range) };
            self.isa().vectorize(
                #[inline(always)]
                || each(i, chunk),
            );
        };
        let parts = len.div_ceil(chunk_len);
        if work < PARALLEL_FROM { (0..parts).for_each(part) } else { self.run(parts, part) }
    }
}

impl Isa {
    /// Runs `body` compiled for this instruction set, or for any processor where it is lacking.
    ///
    /// Only code inlined into `body` gains: mark it `#[inline(always)]`. Results are those of the
    /// same code elsewhere, for the compiler never joins a product and a sum.
    #[inline(always)]
    pub fn vectorize<R>(self, body: impl FnOnce() -> R) -> R {
        with_simd!(self, simd => simd.vectorize(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_is_visited_once() {
        for (threads, len, chunk_len) in [(1, 10, 3), (3, 1000, 7), (2, 0, 5), (4, 6, 100)] {
            let mut data = vec![0usize; len];
            Pool::new(threads).for_chunks(&mut data, chunk_len, |i, chunk| {
                chunk.iter_mut().enumerate().for_each(|(j, x)| *x += i * chunk_len + j + 1);
            });
            assert!(data.iter().enumerate().all(|(i, &x)| x == i + 1));
        }
    }

    #[test]
    fn vectorized_sums_are_the_same() {
        let values: Vec<f32> = (0..1000).map(|i| (i as f32).sin()).collect();
        let sum = || values.iter().map(|x| x * 1.1 + 0.3).fold(0f32, |a, b| a + b);
        for isa in Isa::ALL {
            assert_eq!(isa.vectorize(sum).to_bits(), sum().to_bits());
        }
    }
}
