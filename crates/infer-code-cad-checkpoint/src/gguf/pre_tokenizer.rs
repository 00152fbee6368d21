use serde_json::{Value, json};

/// What precedes and surrounds the merges of one kind of byte-level BPE.
///
/// A GGUF file only names it (`tokenizer.ggml.pre`). The expressions are those of the tokenizer.json
/// files the names stand for, so that both files of one model cut a text alike.
#[derive(Debug)]
pub(super) struct PreTokenizer {
    /// The spellings of `tokenizer.ggml.pre`.
    names: &'static [&'static str],
    /// Expressions applied one after the other; what matches, and what lies between, becomes a piece.
    splits: &'static [&'static str],
    /// Whether text is brought to Unicode's composed form (NFC) first. llama.cpp leaves this out, so
    /// it makes other tokens of a letter followed by a combining accent.
    composes: bool,
    /// Whether a piece that is a token stays whole, even if no merges lead to it.
    pub(super) ignores_merges: bool,
    /// Whether BOS is added where the file does not say.
    pub(super) adds_bos: bool,
}

impl PreTokenizer {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        PRE_TOKENIZERS.iter().find(|pre_tokenizer| pre_tokenizer.names.contains(&name))
    }

    /// Every name that [`PreTokenizer::named`] knows, for error messages.
    pub(super) fn names() -> String {
        let names: Vec<&str> = PRE_TOKENIZERS.iter().flat_map(|p| p.names).copied().collect();
        names.join(", ")
    }

    /// The `normalizer` of a tokenizer.json.
    pub(super) fn normalizer_json(&self) -> Option<Value> {
        self.composes.then(|| json!({"type": "NFC"}))
    }

    /// The `pre_tokenizer` of a tokenizer.json.
    pub(super) fn json(&self) -> Value {
        let split = |regex: &&str| {
            json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated",
                   "invert": false})
        };
        let stages: Vec<Value> = self.splits.iter().map(split).chain([byte_level_json()]).collect();
        json!({"type": "Sequence", "pretokenizers": stages})
    }
}

/// Bytes to the printable characters the vocabulary spells them with, and back.
pub(super) fn byte_level_json() -> Value {
    json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
           "use_regex": false})
}

const PRE_TOKENIZERS: &[PreTokenizer] = &[
    PreTokenizer {
        names: &[
            "llama-bpe",
            "llama3",
            "llama-v3",
            "falcon3",
            "falcon-h1",
            "pixtral",
            "midm-2.0",
            "lfm2",
        ],
        splits: &[LLAMA_3],
        ignores_merges: true,
        adds_bos: true,
        ..PLAIN
    },
    PreTokenizer { names: &["smaug-bpe", "dbrx"], splits: &[LLAMA_3], ..PLAIN },
    PreTokenizer { names: &["gpt-4o", "llama4"], splits: &[GPT_4O], ..PLAIN },
    PreTokenizer {
        names: &["qwen2", "deepseek-r1-qwen", "megrez"],
        splits: &[QWEN_2],
        composes: true,
        ..PLAIN
    },
    PreTokenizer {
        names: &["starcoder", "refact", "smollm", "codeshell"],
        splits: &[DIGIT, GPT_2],
        ..PLAIN
    },
    PreTokenizer { names: &["gpt-2", "phi-2"], splits: &[GPT_2], ..PLAIN },
    PreTokenizer {
        names: &["deepseek-coder"],
        splits: &[LINE_BREAK, r"\s?\p{L}+", r"\s?\p{P}+", DEEPSEEK_CJK, DIGIT],
        ..PLAIN
    },
    PreTokenizer {
        names: &["deepseek-llm"],
        splits: &[
            LINE_BREAK,
            DEEPSEEK_LETTERS,
            r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
            r"\s+$",
            DEEPSEEK_CJK,
            r"\p{N}+",
        ],
        ..PLAIN
    },
    PreTokenizer {
        names: &["deepseek-v3"],
        splits: &[r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK_3],
        ..PLAIN
    },
    PreTokenizer {
        names: &[UNNAMED],
        splits: &[r"[\p{P}\$\+<=>\^~\|]+", GPT_2, r"\p{N}+", "[0-9][0-9][0-9]"],
        ..PLAIN
    },
];

/// The name that stands for no name: files of before April 2024.
pub(super) const UNNAMED: &str = "default";

const PLAIN: PreTokenizer = PreTokenizer {
    names: &[],
    splits: &[],
    composes: false,
    ignores_merges: false,
    adds_bos: false,
};

const GPT_2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN_2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// o200k_base: a word also ends where its case changes. llama.cpp counts letters beyond ASCII as of either case.
const GPT_4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const DIGIT: &str = r"\p{N}";
const LINE_BREAK: &str = r"[\r\n]";
const DEEPSEEK_CJK: &str = r"[一-龥ࠀ-一가-퟿]+";
/// Cased letters of some scripts; singletons under Unicode normalisation are written as escapes.
const DEEPSEEK_LETTERS: &str = r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\x{1F7D}ᾀ-ᾴᾶ-ᾼ\x{1FBE}ῂ-ῄῆ-ῌῐ-\x{1FD3}ῖ-\x{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\x{2126}ℨ\x{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";
const DEEPSEEK_3: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##;
