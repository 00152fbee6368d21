//! GGUF files: what llama.cpp and its kin store a model in.

#[cfg_attr(not(test), allow(dead_code, reason = "called by the GGUF loader"))]
mod pre_tokenizer;
#[cfg_attr(not(test), allow(dead_code, reason = "called by the GGUF loader"))]
mod spm;
#[cfg_attr(not(test), allow(dead_code, reason = "called by the GGUF loader"))]
mod tokenizer;
#[cfg_attr(not(test), allow(dead_code, reason = "called by the GGUF loader"))]
mod vocabulary;
