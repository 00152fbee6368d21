"""The byte-level BPE: trained on the stream, with the fixed sentences of Table 4 as single tokens."""

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from prompts import CONTEXT_LEAD, COT_INSTRUCTION, INSTRUCTION
from stream import sample

VOCAB_SIZE = 1024
BOS, EOS = "<|begin_of_text|>", "<|end_of_text|>"
FIXED = (COT_INSTRUCTION, INSTRUCTION, CONTEXT_LEAD)
N_TEXTS = 6000
# Words, single digits, runs of punctuation, white space; a space sticks to what follows it.
PATTERN = r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def train_tokenizer(seed):
    """A Llama-3-like tokenizer of 1,024 entries; the fixed sentences cost one token each."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - len(FIXED),
        special_tokens=[BOS, EOS],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts(seed), trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in FIXED])
    bos = tokenizer.token_to_id(BOS)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=BOS + " $A", pair=BOS + " $A $B", special_tokens=[(BOS, bos)]
    )
    assert tokenizer.get_vocab_size() == VOCAB_SIZE
    return tokenizer


def texts(seed):
    """Samples without the fixed sentences."""
    for i in range(N_TEXTS):
        _, _, prompt, completion = sample(seed, i)
        for text in FIXED:
            prompt = prompt.replace(text, "")
        yield prompt
        yield completion
