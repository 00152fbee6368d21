use crate::config::{Architecture, FeedForwardKind, NormPlacement, TransformerConfig};

/// Tensor names outside the blocks, as transformers saves them; `.weight` and `.bias` follow.
#[derive(Debug)]
pub struct ModelNames {
    /// The embedding of tokens.
    pub embedding: &'static str,
    /// Learned positions.
    pub positions: &'static str,
    /// The last norm.
    pub norm: &'static str,
    /// The output projection.
    pub head: &'static str,
}

/// Tensor names of one block. Projections of the same input come with their numbers of outputs.
#[derive(Debug)]
pub struct BlockNames {
    /// Before attention.
    pub attention_norm: String,
    /// Queries, keys and values.
    pub qkv: Vec<(String, usize)>,
    /// The norms of each head's queries and of its keys, where there are any.
    pub head_norms: Option<[String; 2]>,
    /// The projection after attention.
    pub attention_output: String,
    /// Only where norms also come after.
    pub post_attention_norm: Option<String>,
    /// Before the feed-forward part.
    pub feed_forward_norm: String,
    /// Gate and up, or up alone.
    pub feed_forward_input: Vec<(String, usize)>,
    /// The projection down.
    pub feed_forward_output: String,
    /// Only where norms also come after.
    pub post_feed_forward_norm: Option<String>,
}

impl ModelNames {
    /// Those of a configuration.
    pub fn new(config: &TransformerConfig) -> Self {
        match config.architecture {
            Architecture::GptBigCode => Self {
                embedding: "transformer.wte",
                positions: "transformer.wpe",
                norm: "transformer.ln_f",
                head: "lm_head",
            },
            _ => Self {
                embedding: "model.embed_tokens",
                positions: "model.embed_positions",
                norm: "model.norm",
                head: "lm_head",
            },
        }
    }
}

impl BlockNames {
    /// Those of a layer, counted from 0.
    pub fn new(config: &TransformerConfig, layer: usize) -> Self {
        match config.architecture {
            Architecture::GptBigCode => Self::gpt_bigcode(config, layer),
            _ => Self::llama(config, layer),
        }
    }

    fn llama(config: &TransformerConfig, layer: usize) -> Self {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let (q, kv, inner) = (config.q_size(), config.kv_size(), config.intermediate_size);
        let is_fused = config.architecture == Architecture::Phi3;
        let qkv: &[(&str, usize)] = match is_fused {
            true => &[("self_attn.qkv_proj", q + 2 * kv)],
            false => &[("self_attn.q_proj", q), ("self_attn.k_proj", kv), ("self_attn.v_proj", kv)],
        };
        let inputs: &[(&str, usize)] = match (config.feed_forward, is_fused) {
            (FeedForwardKind::Gated, true) => &[("mlp.gate_up_proj", 2 * inner)],
            (FeedForwardKind::Gated, false) => &[("mlp.gate_proj", inner), ("mlp.up_proj", inner)],
            (FeedForwardKind::Plain, _) => &[("mlp.up_proj", inner)],
        };
        let named = |parts: &[(&str, usize)]| {
            parts.iter().map(|(part, outputs)| (name(part), *outputs)).collect()
        };
        // Where norms come after as well, the name of the second one means something else.
        let (post_attention, feed_forward, post_feed_forward) = match config.norm_placement {
            NormPlacement::Before => (None, "post_attention_layernorm", None),
            NormPlacement::BeforeAndAfter => (
                Some("post_attention_layernorm"),
                "pre_feedforward_layernorm",
                Some("post_feedforward_layernorm"),
            ),
        };
        Self {
            attention_norm: name("input_layernorm"),
            qkv: named(qkv),
            head_norms: config
                .head_norms
                .then(|| ["self_attn.q_norm", "self_attn.k_norm"].map(name)),
            attention_output: name("self_attn.o_proj"),
            post_attention_norm: post_attention.map(name),
            feed_forward_norm: name(feed_forward),
            feed_forward_input: named(inputs),
            feed_forward_output: name("mlp.down_proj"),
            post_feed_forward_norm: post_feed_forward.map(name),
        }
    }

    fn gpt_bigcode(config: &TransformerConfig, layer: usize) -> Self {
        let name = |part: &str| format!("transformer.h.{layer}.{part}");
        let qkv = config.q_size() + 2 * config.kv_size();
        Self {
            attention_norm: name("ln_1"),
            qkv: vec![(name("attn.c_attn"), qkv)],
            head_norms: None,
            attention_output: name("attn.c_proj"),
            post_attention_norm: None,
            feed_forward_norm: name("ln_2"),
            feed_forward_input: vec![(name("mlp.c_fc"), config.intermediate_size)],
            feed_forward_output: name("mlp.c_proj"),
            post_feed_forward_norm: None,
        }
    }
}
