//! How much memory keys and values take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the bytes of the pages that are made with it, a page that streams share once.
#[derive(Debug, Default)]
pub struct KvMeter {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl KvMeter {
    /// The most bytes that its pages held at once since this was last asked.
    pub fn take_most(&self) -> usize {
        let most = self.most.swap(0, Ordering::Relaxed);
        // What another thread has added since then is in `now` as well.
        self.most.fetch_max(self.now.load(Ordering::Relaxed), Ordering::Relaxed);
        most
    }
}

/// The part of a page in a count, as long as the page lives.
#[derive(Debug)]
pub(crate) struct Metered {
    meter: Arc<KvMeter>,
    bytes: usize,
}

impl Metered {
    pub(crate) fn new(meter: Arc<KvMeter>, bytes: usize) -> Self {
        let now = meter.now.fetch_add(bytes, Ordering::Relaxed) + bytes;
        meter.most.fetch_max(now, Ordering::Relaxed);
        Self { meter, bytes }
    }
}

impl Clone for Metered {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.meter), self.bytes)
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.meter.now.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KvFormat, KvPage};

    #[test]
    fn a_page_counts_from_its_making_to_its_end() {
        let meter = Arc::new(KvMeter::default());
        let of_page = KvPage::bytes(KvFormat::Int8, 3, 64);
        let page = || KvPage::metered(KvFormat::Int8, 3, 64, Arc::clone(&meter));
        let (first, second) = (page(), page());
        let copy = first.clone();
        drop(second);
        assert_eq!(meter.take_most(), 3 * of_page);
        assert_eq!(meter.take_most(), 2 * of_page, "what is held now is the least of the next");
        drop((first, copy));
        assert_eq!(meter.take_most(), 2 * of_page);
        assert_eq!(meter.take_most(), 0);
    }
}
