use std::marker::PhantomData;
use std::ops::Range;

/// A mutable slice whose parts several threads fill at once.
#[derive(Debug)]
pub(crate) struct Disjoint<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: elements are reached through `part` only, whose callers promise disjoint ranges, so sending
// or sharing this is sending `&mut [T]` parts to other threads.
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    /// One part, for as long as the whole is borrowed.
    ///
    /// # Safety
    /// No two parts alive at the same time may overlap.
    #[expect(clippy::mut_from_ref, reason = "the parts are disjoint, by the caller's promise")]
    pub(crate) unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "part outside of the slice");
        // SAFETY: the range is inside the slice, as just asserted, and nobody else holds it, as the
        // caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}
