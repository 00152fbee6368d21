//! Criterion benchmarks of the hot paths; run with `cargo bench -p infer-code-cad-benches`.
