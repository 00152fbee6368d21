#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod adadec;
mod adaptive;
mod beam;
mod branch;
mod candidates;
mod certainty;
mod contrast;
mod decoder;
mod error;
mod exp;
mod gate;
mod greedy;
mod ln;
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

pub use adadec::AdaDec;
pub use adaptive::AdaptiveTemperature;
pub use beam::Beam;
pub use branch::{Branch, BranchId};
pub use contrast::{Alpha, Contrast};
pub use decoder::{Decoder, Decoding, Opening, TokenId};
pub use error::DecodeError;
pub use gate::ContrastGate;
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
