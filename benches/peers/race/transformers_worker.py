"""Writes texts by transformers' `generate`: left-padded batches of several problems, each sampled n times."""

import time

BEGAN = time.perf_counter()  # the imports take seconds

import torch  # noqa: E402
import transformers  # noqa: E402

import workload  # noqa: E402


def main() -> None:
    """Loads, generates and prints one JSON object."""
    parser = workload.flags(__doc__)
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="float32")
    parser.add_argument("--rows", type=int, default=80, help="texts of a batch")
    parser.add_argument("--cache", choices=["dynamic", "static"], default="dynamic")
    parser.add_argument("--eos", required=True, help="ids of the tokens that end a text: 0,2")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    transformers.utils.logging.disable_progress_bar()
    tokenizer = transformers.AutoTokenizer.from_pretrained(args.model, padding_side="left")
    dtype = getattr(torch, args.dtype)
    model = transformers.AutoModelForCausalLM.from_pretrained(args.model, dtype=dtype).eval()
    eos = [int(token) for token in args.eos.split(",")]
    model.generation_config = transformers.GenerationConfig(
        do_sample=True,
        temperature=args.temperature,
        top_p=args.top_p,
        top_k=0,
        max_new_tokens=args.max_new_tokens,
        num_return_sequences=args.samples,
        eos_token_id=eos,
        pad_token_id=eos[0],
        cache_implementation=args.cache,
    )
    loaded = time.perf_counter() - BEGAN
    prompts = workload.read(args.prompts)
    prompts.sort(key=lambda row: len(row["prompt"]))  # so that little is padded
    size = max(args.rows // args.samples, 1)
    batches = [prompts[at : at + size] for at in range(0, len(prompts), size)]
    texts = [text for batch in batches for text in completed(model, tokenizer, batch, args.samples)]
    workload.write(args.out, texts)
    version = f"transformers {transformers.__version__}, torch {torch.__version__}"
    settings = f"{args.dtype}, {size * args.samples} rows, {args.cache} cache"
    workload.report(f"{version}, {settings}", loaded, time.perf_counter() - BEGAN - loaded)


def completed(model, tokenizer, batch: list[workload.Row], samples: int) -> list[workload.Row]:
    """The texts of one batch."""
    prompts = [row["prompt"] for row in batch]
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
    with torch.inference_mode():
        rows = model.generate(**inputs)[:, inputs["input_ids"].shape[1] :]
    lengths = inputs["attention_mask"].sum(1).tolist()
    texts = []
    for at, row in enumerate(rows.tolist()):
        eos = model.generation_config.eos_token_id
        end = next((i for i, token in enumerate(row) if token in eos), None)
        text = tokenizer.decode(row[:end], skip_special_tokens=False)
        tokens = len(row) if end is None else end + 1
        problem = at // samples
        texts.append(workload.text(batch[problem]["task_id"], text, lengths[problem], tokens))
    return texts


if __name__ == "__main__":
    main()
