//! Logits to tokens: greedy, nucleus and context-aware decoding over any number of streams and branches.
//!
//! A [`Decoder`] makes one [`Decoding`] per sequence. It reads one row of logits per *stream* and says how
//! each *branch* goes on, in [`Moves`] that any technique is made of: extend, fork, drop, rewind, finish,
//! settle. Context-aware decoding is a decoder like any other: [`ContextAware`] mixes the rows of several
//! streams into one, by a [`Mix`], and leaves the choice to an inner decoder. Nothing here knows a model, a
//! tensor library or a file.

#![forbid(unsafe_code)]

mod branch;
mod contrast;
mod decoder;
mod error;
mod exp;
mod greedy;
mod log_prob;
mod logits;
mod mix;
mod moves;
mod nucleus;
mod rooms;
mod sampling;
mod settings;
mod vector;
mod vocabulary;

pub use rand_core;

pub use branch::{Branch, BranchId};
pub use contrast::{Alpha, Contrast};
pub use decoder::{Decoder, Decoding, Opening, TokenId};
pub use error::DecodeError;
pub use exp::exp;
pub use greedy::Greedy;
pub use log_prob::{Chosen, RowLogProbs};
pub use logits::Logits;
pub use mix::{ContextAware, Mix};
pub use moves::{Move, MoveBook, Moves};
pub use nucleus::{Nucleus, SamplerOrder};
pub use rooms::Rooms;
pub use sampling::{FromFn, from_fn, pick};
pub use settings::{Settings, SettingsError};
pub use vocabulary::Vocabulary;
