//! A demonstration model of 4 million parameters with its tokenizer, problems and passages, embedded.
