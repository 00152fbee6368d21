//! What backends compute from a configuration: names of tensors, sizes of attention, rotary angles.

pub use crate::arranged::Arranged;
pub use crate::attention::Heads;
pub use crate::bias::Bias;
pub use crate::encoder::{EncoderBlockNames, EncoderNames};
pub use crate::names::{BlockNames, ModelNames};
pub use crate::rope::{Reach, Rope, Ropes, Rotations};
