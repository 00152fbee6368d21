//! Logits to token: greedy, nucleus and context-aware decoding over any number of streams.
//!
//! A [`Decoder`] reads one row of logits per *stream* and picks one token. Context-aware decoding
//! is a decoder like any other: [`ContextAware`] mixes the rows of several streams into one and
//! leaves the choice to an inner decoder. Nothing here knows a model, a tensor library or a file.

#![forbid(unsafe_code)]

mod context_aware;
mod decoder;
mod error;
mod exp;
mod greedy;
mod logits;
mod nucleus;
mod settings;
mod vector;
mod vocabulary;

pub use context_aware::{Alpha, ContextAware};
pub use decoder::{Decoder, TokenId};
pub use error::DecodeError;
pub use exp::exp;
pub use greedy::Greedy;
pub use logits::Logits;
pub use nucleus::{Nucleus, SamplerOrder};
pub use settings::Settings;
pub use vocabulary::Vocabulary;
