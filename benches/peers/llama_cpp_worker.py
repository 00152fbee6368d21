"""Times llama.cpp on a GGUF file through the low-level interface of `llama-cpp-python`.

All samples of a step are one `llama_batch` over a unified cache. They share the cells of their
prompt (`llama_memory_seq_cp`), as this repository's forks do. CAD is two sequences per sample, with
and without the context, whose logits are mixed in numpy (`1.5 a - 0.5 b`) before the sampler.
"""

import ctypes
from pathlib import Path

import llama_cpp as llama
import numpy as np

import measure

CONTEXT, QUESTION, FIRST_SAMPLE = 0, 1, 2  # sequence ids
SILENT = llama.llama_log_callback(lambda *_: None)  # kept alive as long as the library


class Engine:
    """A model, a context that holds `rows` sequences, and a batch."""

    def __init__(self, model: Path, threads: int, rows: int, n_batch: int, n_ctx: int) -> None:
        model_params = llama.llama_model_default_params()
        self.model = llama.llama_model_load_from_file(str(model).encode(), model_params)
        if not self.model:
            raise SystemExit(f"llama.cpp cannot load {model}")
        params = llama.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = n_ctx, n_batch, min(n_batch, 512)
        params.n_seq_max, params.kv_unified = rows + FIRST_SAMPLE, True
        params.n_threads = params.n_threads_batch = threads
        self.context = llama.llama_init_from_model(self.model, params)
        if not self.context:
            raise SystemExit("llama.cpp cannot make the context")
        self.memory = llama.llama_get_memory(self.context)
        self.batch = llama.llama_batch_init(n_batch, 0, 1)
        vocab = llama.llama_model_get_vocab(self.model)
        self.vocab_size: int = llama.llama_vocab_n_tokens(vocab)

    def forward(self, tokens: list[tuple[int, int, int, bool]]) -> None:
        """Decodes (token, position, sequence, whether its logits are wanted) in one batch."""
        batch = self.batch
        batch.n_tokens = len(tokens)
        for i, (token, position, sequence, wanted) in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.logits[i] = token, position, wanted
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
        if status := llama.llama_decode(self.context, batch):
            raise SystemExit(f"llama_decode returned {status}")
        llama.llama_synchronize(self.context)

    def prefill(self, sequence: int, prompt: list[int]) -> None:
        """Reads a prompt, with logits at its last token."""
        last = len(prompt) - 1
        self.forward([(token, i, sequence, i == last) for i, token in enumerate(prompt)])

    def logits(self, row: int) -> np.ndarray:
        """A view of the logits of a row of the last batch."""
        pointer = llama.llama_get_logits_ith(self.context, row)
        return np.ctypeslib.as_array(pointer, shape=(self.vocab_size,))


def sampler(name: str) -> ctypes.c_void_p:
    """The sampler chain: the argmax, or temperature 0.8 and top-p 0.9."""
    chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
    stages = [llama.llama_sampler_init_greedy()]
    if name == "nucleus":
        heat, top_p = llama.llama_sampler_init_temp(0.8), llama.llama_sampler_init_top_p(0.9, 1)
        stages = [heat, top_p, llama.llama_sampler_init_dist(0)]
    for stage in stages:
        llama.llama_sampler_chain_add(chain, stage)
    return chain


def steps(
    engine: Engine, chain: ctypes.c_void_p, samples: int, prompts: list[int], new_tokens: int
) -> list[float]:
    """Seconds of each decode step of samples that continue prompts of these lengths."""
    streams = [(i, root) for i in range(samples) for root in range(len(prompts))]
    for row, (_, root) in enumerate(streams):
        llama.llama_memory_seq_cp(engine.memory, root, FIRST_SAMPLE + row, -1, -1)
    tokens, seconds = [100 + i for i in range(samples)], []
    for step in range(new_tokens):
        with measure.stopwatch(seconds):
            engine.forward(
                [
                    (tokens[i], prompts[root] + step, FIRST_SAMPLE + row, True)
                    for row, (i, root) in enumerate(streams)
                ]
            )
            for i in range(samples):
                first = i * len(prompts)
                if len(prompts) == 2:
                    mixed = engine.logits(first)
                    mixed += 0.5 * (mixed - engine.logits(first + 1))
                tokens[i] = llama.llama_sampler_sample(chain, engine.context, first)
    for row in range(len(streams)):
        llama.llama_memory_seq_rm(engine.memory, FIRST_SAMPLE + row, -1, -1)
    return seconds


def main() -> None:
    """Loads, warms up, measures and prints one JSON object."""
    args = measure.flags(__doc__).parse_args()
    arities = {"vanilla": 1, "cad": 2}
    rows = max(args.samples) * max(arities[mode] for mode in args.modes)
    cells = 2 * args.prompt_tokens + rows * args.new_tokens
    n_batch = max(512, args.prompt_tokens, args.prefill_tokens)
    n_ctx = -(-max(cells, args.prefill_tokens) // 256) * 256
    llama.llama_log_set(SILENT, None)
    llama.llama_backend_init()
    loaded: list[float] = []
    with measure.stopwatch(loaded):
        engine = Engine(args.model, args.threads, rows, n_batch, n_ctx)
    lengths = [args.prompt_tokens, args.prompt_tokens // 2]
    for root, first in ((CONTEXT, 1000), (QUESTION, 5000)):  # also warms up
        engine.prefill(root, measure.prompt(lengths[root], first))
    chain = sampler(args.sampler)
    rates = []
    for mode in args.modes:
        for n in args.samples:
            seconds = steps(engine, chain, n, lengths[: arities[mode]], args.new_tokens)
            rates.append(measure.decode(mode, n, seconds))
    llama.llama_memory_clear(engine.memory, True)
    whole = measure.timed(lambda: engine.prefill(0, measure.prompt(args.prefill_tokens)))
    figures = {"load_seconds": loaded[0], "decode": rates}
    figures["prefill"] = measure.prefill(args.prefill_tokens, whole)
    measure.report(args, f"llama-cpp-python {llama.__version__}", figures)


if __name__ == "__main__":
    main()
