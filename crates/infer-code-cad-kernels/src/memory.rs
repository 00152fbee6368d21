use std::alloc::Layout;
use std::ops::Deref;
use std::ptr::NonNull;

use crate::{KernelError, Pool};

/// Size of a huge page, and the least amount of memory for which one is asked.
const HUGE_PAGE: usize = 2 << 20;
const CACHE_LINE: usize = 64;

/// Bytes that start at a cache line, in huge pages where the kernel grants them.
#[derive(Debug)]
pub(crate) struct AlignedBytes {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: it owns its bytes like a `Box<[u8]>` does, and shares them immutably only.
unsafe impl Send for AlignedBytes {}
// SAFETY: as above.
unsafe impl Sync for AlignedBytes {}

impl AlignedBytes {
    /// `n_pieces` pieces of `piece_bytes`, each zeroed and then given to `fill` with its index, on
    /// all threads of the pool.
    pub(crate) fn filled(
        n_pieces: usize,
        piece_bytes: usize,
        pool: &Pool,
        fill: impl Fn(usize, &mut [u8]) + Sync,
    ) -> Result<Self, KernelError> {
        let bytes = n_pieces.checked_mul(piece_bytes).filter(|&bytes| bytes > 0);
        let bytes = bytes.ok_or(KernelError::OutOfMemory { bytes: usize::MAX })?;
        let out_of_memory = KernelError::OutOfMemory { bytes };
        let align = if bytes >= 2 * HUGE_PAGE { HUGE_PAGE } else { CACHE_LINE };
        let layout = Layout::from_size_align(bytes, align).map_err(|_| out_of_memory.clone())?;
        // SAFETY: the layout's size is not zero, as filtered above.
        let start = NonNull::new(unsafe { std::alloc::alloc(layout) }).ok_or(out_of_memory)?;
        let memory = Self { start, layout };
        memory.advise_huge_pages();
        let pieces = Pieces { start, piece_bytes };
        pool.run(n_pieces, |index| {
            // SAFETY: `run` calls each index below `n_pieces` once.
            fill(index, unsafe { pieces.zeroed(index) });
        });
        Ok(memory)
    }

    #[cfg(target_os = "linux")]
    fn advise_huge_pages(&self) {
        if self.layout.align() == HUGE_PAGE {
            // SAFETY: the range is this allocation, which starts at a page; the advice changes no
            // contents. A refusal leaves small pages, so the result is of no interest.
            unsafe {
                let start = self.start.as_ptr().cast();
                libc::madvise(start, self.layout.size(), libc::MADV_HUGEPAGE);
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn advise_huge_pages(&self) {}
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `filled` wrote every byte of the allocation.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }
}

impl Drop for AlignedBytes {
    fn drop(&mut self) {
        // SAFETY: allocated in `filled` with this layout.
        unsafe { std::alloc::dealloc(self.start.as_ptr(), self.layout) }
    }
}

/// The uninitialized pieces of an allocation.
struct Pieces {
    start: NonNull<u8>,
    piece_bytes: usize,
}

// SAFETY: each piece is handed to one thread only, as the callers of `zeroed` promise.
unsafe impl Sync for Pieces {}

impl Pieces {
    /// # Safety
    /// The index must be inside the allocation and not be used twice.
    #[expect(clippy::mut_from_ref, reason = "the pieces are disjoint, by the caller's promise")]
    unsafe fn zeroed(&self, index: usize) -> &mut [u8] {
        // SAFETY: the piece is inside the allocation and this thread's alone, as the caller promises;
        // it is written before a reference to it exists.
        unsafe {
            let piece = self.start.as_ptr().add(index * self.piece_bytes);
            piece.write_bytes(0, self.piece_bytes);
            std::slice::from_raw_parts_mut(piece, self.piece_bytes)
        }
    }
}
