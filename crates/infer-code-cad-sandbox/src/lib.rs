//! Candidate program and tests to verdict: isolated, limited Python execution.
