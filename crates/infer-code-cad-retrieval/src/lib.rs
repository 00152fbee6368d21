//! Text to passages: a BM25 index with scored top-k search.
