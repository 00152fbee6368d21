use std::fmt::Debug;
use std::sync::Arc;

use infer_code_cad_decode::TokenId;

use super::Context;
use crate::KvCache;

/// The keys and values of one stream of a model of layers.
///
/// Layers are shared between forks until one of them appends, which then copies: a fork is free and
/// the streams never touch each other. The length counts, not what the buffers hold, so forgetting
/// is free as well.
#[derive(Debug)]
pub struct StreamCache<L> {
    pub(super) model: ModelId,
    /// Tokens in the stream.
    pub len: usize,
    /// One per layer of the model.
    pub layers: Vec<Arc<L>>,
    /// Its tokens, in models of [`TwoContexts`](super::TwoContexts); beyond `len` they are forgotten ones.
    pub(super) tokens: Vec<TokenId>,
    /// What the layers were computed for.
    pub(super) context: Context,
}

/// Tells caches of different models apart: compared by address.
#[derive(Debug, Clone, Default)]
pub(super) struct ModelId(Arc<u8>);

impl PartialEq for ModelId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<L: Debug + Send + Sync + 'static> KvCache for StreamCache<L> {
    fn len(&self) -> usize {
        self.len
    }

    fn fork(&self) -> Box<dyn KvCache> {
        Box::new(Self {
            model: self.model.clone(),
            len: self.len,
            layers: self.layers.clone(),
            tokens: self.tokens.clone(),
            context: self.context,
        })
    }

    fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}
