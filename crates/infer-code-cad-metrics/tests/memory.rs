//! Peak memory of a phase, in a test binary of its own: the mark belongs to the whole process.

use infer_code_cad_metrics::{PeakMemory, peak_resident_bytes};

const BYTES: usize = 64 << 20;

fn peak_of_touching(bytes: usize) -> Option<u64> {
    let phase = PeakMemory::start();
    // Not zeros: those would be mapped but never resident.
    let buffer = std::hint::black_box(vec![1u8; bytes]);
    let peak = phase.stop();
    drop(buffer);
    peak
}

#[test]
fn a_phase_has_its_own_peak() {
    let Some(process_peak) = peak_resident_bytes() else {
        eprintln!("skipped a_phase_has_its_own_peak: there is no VmHWM in /proc/self/status");
        return;
    };
    assert!(process_peak > 0);
    let large = peak_of_touching(BYTES).expect("a new high-water mark is known on every Linux");
    assert!(large >= BYTES as u64, "{large}");
    let Some(small) = peak_of_touching(1 << 20) else {
        eprintln!("skipped the second phase: /proc/self/clear_refs is not writable here");
        return;
    };
    assert!(small < large - BYTES as u64 / 2, "{small} after {large}");
}
