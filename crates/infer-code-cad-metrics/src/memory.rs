use std::fs;

/// Peak resident memory of one phase of this process.
///
/// Where the kernel allows it, [`start`](Self::start) sets the process's high-water mark back to what
/// is resident now (`5` written to `/proc/self/clear_refs`, see
/// [proc_pid_clear_refs(5)](https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html)).
/// The mark belongs to the whole process: other threads count, and phases must not overlap.
///
/// # Examples
/// ```
/// use infer_code_cad_metrics::PeakMemory;
///
/// let phase = PeakMemory::start();
/// let weights = vec![1.0f32; 1 << 20];
/// if let Some(bytes) = phase.stop() {
///     assert!(bytes > 4 * weights.len() as u64);
/// }
/// ```
#[derive(Debug)]
#[must_use = "the peak is read by `stop`"]
pub struct PeakMemory {
    /// The mark before the phase; `None` where it cannot be read.
    mark: Option<u64>,
    /// Whether the mark was set back, so that it now tells of this phase alone.
    was_reset: bool,
}

impl PeakMemory {
    /// Begins a phase.
    pub fn start() -> Self {
        let was_reset = fs::write("/proc/self/clear_refs", "5").is_ok();
        Self { mark: peak_resident_bytes(), was_reset }
    }

    /// Ends the phase and returns its peak in bytes, with what was resident at its start included.
    ///
    /// `None` outside Linux, and where the mark could not be set back and was not passed in this
    /// phase, so that its peak is unknown.
    pub fn stop(self) -> Option<u64> {
        let (before, after) = (self.mark?, peak_resident_bytes()?);
        (self.was_reset || after > before).then_some(after)
    }
}

/// The largest resident memory of this process in bytes: `VmHWM` of `/proc/self/status`.
///
/// It counts from the start of the process or of the latest [`PeakMemory`], includes mapped weights
/// that were touched, and is accurate to a few pages per core. `None` outside Linux.
pub fn peak_resident_bytes() -> Option<u64> {
    field(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// The resident memory of this process now, in bytes: `VmRSS` of `/proc/self/status`. `None` outside Linux.
pub fn resident_bytes() -> Option<u64> {
    field(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

fn field(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_mark_of_a_status_file() {
        let status = "Name:\tcat\nVmPeak:\t    9000 kB\nVmHWM:\t    1948 kB\nVmRSS:\t     700 kB\n";
        assert_eq!(field(status, "VmHWM:"), Some(1948 * 1024));
        assert_eq!(field(status, "VmRSS:"), Some(700 * 1024));
        assert_eq!(field("Name:\tkthreadd\n", "VmHWM:"), None);
        assert_eq!(field("VmHWM:\tmany kB\n", "VmHWM:"), None);
    }
}
