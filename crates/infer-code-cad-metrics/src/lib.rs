//! Unbiased pass@k, bootstrap intervals, throughput and peak memory.
