//! Token streams to logits: ragged-batch language models, checkpoint loading and the generate loop.
