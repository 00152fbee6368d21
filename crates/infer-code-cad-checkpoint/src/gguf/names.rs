use crate::config::{Architecture, TransformerConfig};

/// A tensor of the file and what undoes its conversion from the Hugging Face checkpoint.
#[derive(Debug, PartialEq)]
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) change: Change,
}

/// What `convert_hf_to_gguf.py` did to a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// The rows of each head interleaved, from halves to pairs, for llama.cpp's rotation.
    PairedRows {
        /// Heads in the tensor.
        n_heads: usize,
    },
    /// One added.
    PlusOne,
}

/// Where the tensor that transformers calls `name` is in a GGUF file; `None` for a name that the
/// family does not have.
///
/// The names are those of gguf-py's `tensor_mapping.py`.
pub(super) fn stored(config: &TransformerConfig, name: &str) -> Option<Stored> {
    let (module, kind) = name.rsplit_once('.')?;
    let name = match layer_of(config.architecture, module) {
        Some((layer, part)) => format!("blk.{layer}.{}", block_part(config.architecture, part)?),
        None => outer_part(module)?.to_owned(),
    };
    let change = change(config, &name);
    Some(Stored { name: format!("{name}.{kind}"), change })
}

/// The number and the rest of `model.layers.3.mlp.up_proj`.
fn layer_of(architecture: Architecture, module: &str) -> Option<(usize, &str)> {
    let prefix = match architecture {
        Architecture::GptBigCode => "transformer.h.",
        _ => "model.layers.",
    };
    let (layer, part) = module.strip_prefix(prefix)?.split_once('.')?;
    Some((layer.parse().ok()?, part))
}

fn outer_part(module: &str) -> Option<&'static str> {
    Some(match module {
        "model.embed_tokens" | "transformer.wte" => "token_embd",
        "transformer.wpe" => "position_embd",
        "model.norm" | "transformer.ln_f" => "output_norm",
        "lm_head" => "output",
        _ => return None,
    })
}

fn block_part(architecture: Architecture, part: &str) -> Option<&'static str> {
    Some(match (architecture, part) {
        (_, "input_layernorm" | "ln_1") => "attn_norm",
        (_, "self_attn.q_proj") => "attn_q",
        (_, "self_attn.k_proj") => "attn_k",
        (_, "self_attn.v_proj") => "attn_v",
        (_, "attn.c_attn" | "self_attn.qkv_proj") => "attn_qkv",
        (_, "self_attn.q_norm") => "attn_q_norm",
        (_, "self_attn.k_norm") => "attn_k_norm",
        (_, "self_attn.o_proj" | "attn.c_proj") => "attn_output",
        (Architecture::Gemma2 | Architecture::Gemma3, "post_attention_layernorm") => {
            "post_attention_norm"
        }
        (_, "post_attention_layernorm" | "pre_feedforward_layernorm" | "ln_2") => "ffn_norm",
        (_, "post_feedforward_layernorm") => "post_ffw_norm",
        (_, "mlp.gate_proj") => "ffn_gate",
        (_, "mlp.up_proj" | "mlp.c_fc" | "mlp.gate_up_proj") => "ffn_up",
        (_, "mlp.down_proj" | "mlp.c_proj") => "ffn_down",
        _ => return None,
    })
}

fn change(config: &TransformerConfig, name: &str) -> Change {
    use Architecture::{Gemma2, Gemma3, Granite, Llama, SmolLm3};
    match config.architecture {
        Llama | SmolLm3 | Granite if name.ends_with("attn_q") => {
            Change::PairedRows { n_heads: config.num_attention_heads }
        }
        Llama | SmolLm3 | Granite if name.ends_with("attn_k") => {
            Change::PairedRows { n_heads: config.num_key_value_heads }
        }
        Gemma2 | Gemma3 if name.ends_with("_norm") => Change::PlusOne,
        _ => Change::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_changes_depend_on_the_family() {
        let of = |architecture, name| {
            let sizes = TransformerConfig {
                architecture,
                num_attention_heads: 8,
                num_key_value_heads: 2,
                ..TransformerConfig::default()
            };
            stored(&sizes, name).map(|stored| (stored.name, stored.change))
        };
        let some = |name: &str, change| Some((name.to_owned(), change));
        let norm = "model.layers.12.post_attention_layernorm.weight";
        assert_eq!(of(Architecture::Llama, norm), some("blk.12.ffn_norm.weight", Change::None));
        let gemma = some("blk.12.post_attention_norm.weight", Change::PlusOne);
        assert_eq!(of(Architecture::Gemma2, norm), gemma);
        let key = "model.layers.0.self_attn.k_proj.bias";
        let paired = some("blk.0.attn_k.bias", Change::PairedRows { n_heads: 2 });
        assert_eq!(of(Architecture::Llama, key), paired);
        assert_eq!(of(Architecture::Qwen2, key), some("blk.0.attn_k.bias", Change::None));
        let norm = "model.layers.0.self_attn.q_norm.weight";
        let plain = some("blk.0.attn_q_norm.weight", Change::None);
        assert_eq!(of(Architecture::Qwen3, norm), plain);
        let gemma = some("blk.0.attn_q_norm.weight", Change::PlusOne);
        assert_eq!(of(Architecture::Gemma3, norm), gemma);
        let fused = of(Architecture::GptBigCode, "transformer.h.1.attn.c_attn.bias");
        assert_eq!(fused, some("blk.1.attn_qkv.bias", Change::None));
        assert_eq!(of(Architecture::GptBigCode, key), None);
        assert_eq!(of(Architecture::Llama, "model.layers.x.mlp.up_proj.weight"), None);
    }
}
