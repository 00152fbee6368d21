use super::{
    Architecture, FeedForwardKind, LARGEST, MOST_LAYERS, NormKind, NormPlacement, Positions,
    RopeScaling, TransformerConfig, invalid,
};
use crate::CheckpointError;

impl TransformerConfig {
    /// Refuses what cannot be computed.
    ///
    /// # Errors
    /// [`CheckpointError::InvalidConfig`] and [`CheckpointError::UnsupportedConfig`].
    pub fn validate(self) -> Result<Self, CheckpointError> {
        self.check_sizes()?;
        self.check_numbers()?;
        self.check_names()?;
        self.check_layers()?;
        self.check_rotation()?;
        Ok(self)
    }

    /// As [`TransformerConfig::validate`], for a configuration that no file said: backends ask it before they
    /// compute anything of the sizes.
    ///
    /// # Errors
    /// [`CheckpointError::Config`] naming the field.
    pub fn check(&self) -> Result<(), CheckpointError> {
        match self.clone().validate() {
            Err(CheckpointError::InvalidConfig { field, value, expected }) => {
                Err(CheckpointError::Config { field, value, expected })
            }
            checked => checked.map(|_| ()),
        }
    }

    fn check_sizes(&self) -> Result<(), CheckpointError> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("head_dim", self.head_dim),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        for (field, value) in sizes {
            if value == 0 || value > LARGEST {
                return Err(invalid(field, value.to_string(), "a positive number up to 2^28"));
            }
        }
        if self.num_hidden_layers > MOST_LAYERS {
            let expected = format!("at most {MOST_LAYERS}");
            return Err(invalid("num_hidden_layers", self.num_hidden_layers.to_string(), expected));
        }
        if self.q_size() > LARGEST {
            let expected = format!("{} heads of at most 2^28 in all", self.num_attention_heads);
            return Err(invalid("head_dim", self.head_dim.to_string(), expected));
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            let expected = format!("a divisor of num_attention_heads {}", self.num_attention_heads);
            let value = self.num_key_value_heads.to_string();
            return Err(invalid("num_key_value_heads", value, expected));
        }
        Ok(())
    }

    /// Refuses parts that the architecture has no tensor names for.
    fn check_names(&self) -> Result<(), CheckpointError> {
        if self.head_norms && self.norm == NormKind::Layer {
            let expected = "false where norm is layer, as norms of heads have no mean";
            return Err(invalid("head_norms", "true", expected));
        }
        if self.architecture != Architecture::GptBigCode {
            return Ok(());
        }
        if self.feed_forward == FeedForwardKind::Gated {
            return Err(invalid("feed_forward", "Gated", "Plain, as GptBigCode has no gate"));
        }
        if self.norm_placement == NormPlacement::BeforeAndAfter {
            let expected = "Before, as GptBigCode has no norms after";
            return Err(invalid("norm_placement", "BeforeAndAfter", expected));
        }
        if self.head_norms {
            let expected = "false, as GptBigCode has no norms of heads";
            return Err(invalid("head_norms", "true", expected));
        }
        if ![1, self.num_attention_heads].contains(&self.num_key_value_heads) {
            let expected = "1 or num_attention_heads, as GptBigCode has no groups of heads";
            let value = self.num_key_value_heads.to_string();
            return Err(invalid("num_key_value_heads", value, expected));
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), CheckpointError> {
        let one_or = |value: Option<f32>| f64::from(value.unwrap_or(1.0));
        let mut numbers = vec![
            ("norm_eps", self.norm_eps),
            ("embedding_scale", self.embedding_scale),
            ("query_pre_attn_scalar", one_or(self.query_pre_attn_scalar)),
            ("attention_multiplier", one_or(self.attention_multiplier)),
            ("residual_multiplier", f64::from(self.residual_multiplier)),
            ("logits_scaling", f64::from(self.logits_scaling)),
            ("attn_logit_softcapping", one_or(self.attn_logit_softcapping)),
            ("final_logit_softcapping", one_or(self.final_logit_softcapping)),
        ];
        for positions in self.all_positions() {
            if let Positions::Rotary { theta, scaling } = positions {
                let lists = scaling.lists();
                let of_lists =
                    lists.iter().flat_map(|(field, list)| list.iter().map(|x| (*field, *x)));
                let all = scaling.numbers().into_iter().chain(of_lists);
                numbers.push(("rope_theta", *theta));
                numbers.extend(all.map(|(field, number)| (field, f64::from(number))));
            }
        }
        // They are computed with in f32, where less than the smallest normal number is as bad as zero.
        let is_usable = |value: f64| value > 0.0 && (value as f32).is_normal();
        match numbers.into_iter().find(|(_, value)| !is_usable(*value)) {
            None => Ok(()),
            Some((field, value)) => {
                Err(invalid(field, value.to_string(), "a positive number that f32 holds"))
            }
        }
    }

    /// What is said for each layer, said for all.
    fn check_layers(&self) -> Result<(), CheckpointError> {
        let layers = self.num_hidden_layers;
        let lists = [
            ("layer_types", self.attention_windows.len()),
            ("layer_positions", self.layer_positions.len()),
        ];
        if let Some((field, len)) = lists.into_iter().find(|(_, len)| ![0, layers].contains(len)) {
            return Err(invalid(field, len.to_string(), format!("{layers} layers")));
        }
        if self.attention_windows.contains(&Some(0)) {
            return Err(invalid("sliding_window", "0", "a positive number"));
        }
        let is_learned = |positions: &Positions| *positions == Positions::Learned;
        if self.layer_positions.iter().any(is_learned) {
            return Err(invalid("layer_positions", "learned", "rotary(..) or absent"));
        }
        Ok(())
    }

    fn check_rotation(&self) -> Result<(), CheckpointError> {
        let dim = self.rotary_dim();
        let scalings = self.all_positions().filter_map(|positions| match positions {
            Positions::Rotary { theta, scaling } => Some((*theta, scaling)),
            Positions::Learned | Positions::Absent => None,
        });
        for (theta, scaling) in scalings {
            if theta == 1.0 && matches!(scaling, RopeScaling::Yarn { .. }) {
                return Err(invalid("rope_theta", "1", "not 1: yarn divides by its logarithm"));
            }
            if dim == 0 || !dim.is_multiple_of(2) {
                let field = if self.rotary_dim.is_some() { "rotary_dim" } else { "head_dim" };
                return Err(invalid(field, dim.to_string(), "an even number"));
            }
            if dim > self.head_dim {
                let expected = format!("at most head_dim {}", self.head_dim);
                return Err(invalid("rotary_dim", dim.to_string(), expected));
            }
            let wrong = |(_, factors): &(&str, &[f32])| 2 * factors.len() != dim;
            if let Some((field, factors)) = scaling.lists().into_iter().find(wrong) {
                let expected = format!("half of the {dim} values of a head that turn");
                return Err(invalid(field, factors.len().to_string(), expected));
            }
        }
        Ok(())
    }

    fn all_positions(&self) -> impl Iterator<Item = &Positions> {
        std::iter::once(&self.positions).chain(&self.layer_positions)
    }
}

impl RopeScaling {
    /// Its numbers but for [`Self::lists`], by the names of their fields; all divide or are divided by.
    pub(super) fn numbers(&self) -> Vec<(&'static str, f32)> {
        match self {
            Self::None => vec![],
            Self::Linear { factor } => vec![("factor", *factor)],
            Self::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_position_embeddings,
            } => vec![
                ("factor", *factor),
                ("low_freq_factor", *low_freq_factor),
                ("high_freq_factor", *high_freq_factor),
                ("original_max_position_embeddings", *original_max_position_embeddings),
            ],
            Self::Yarn {
                factor,
                original_max_position_embeddings,
                attention_factor,
                beta_fast,
                beta_slow,
            } => vec![
                ("factor", *factor),
                ("original_max_position_embeddings", *original_max_position_embeddings),
                ("attention_factor", *attention_factor),
                ("beta_fast", *beta_fast),
                ("beta_slow", *beta_slow),
            ],
            Self::LongRope { original_max_position_embeddings, attention_factor, .. } => vec![
                ("original_max_position_embeddings", *original_max_position_embeddings as f32),
                ("attention_factor", *attention_factor),
            ],
            Self::Factors(_) => vec![],
        }
    }

    /// Its lists, of a number for each frequency.
    fn lists(&self) -> Vec<(&'static str, &[f32])> {
        match self {
            Self::Factors(all) => vec![("rope_freqs", all)],
            Self::LongRope { short_factor, long_factor, .. } => {
                vec![("short_factor", short_factor), ("long_factor", long_factor)]
            }
            Self::None | Self::Linear { .. } | Self::Llama3 { .. } | Self::Yarn { .. } => vec![],
        }
    }
}
