"""Writes texts by transformers' `generate`: left-padded batches of several problems, each sampled n times."""

import time
from typing import Any

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
    parser.add_argument("--share-prompts", action="store_true", help="reads each prompt once")
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
        num_return_sequences=1 if args.share_prompts else args.samples,
        eos_token_id=eos,
        pad_token_id=eos[0],
        cache_implementation="static" if args.cache == "static" else None,
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
    settings += ", prompts read once" if args.share_prompts else ""
    workload.report(f"{version}, {settings}", loaded, time.perf_counter() - BEGAN - loaded)


def completed(model, tokenizer, batch: list[workload.Row], samples: int) -> list[workload.Row]:
    """The texts of one batch."""
    prompts = [row["prompt"] for row in batch]
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
    lengths = inputs["attention_mask"].sum(1).tolist()
    with torch.inference_mode():
        if model.generation_config.num_return_sequences < samples:
            inputs = shared(model, inputs, samples)
        rows = model.generate(**inputs)[:, inputs["input_ids"].shape[1] :]
    texts = []
    for at, row in enumerate(rows.tolist()):
        eos = model.generation_config.eos_token_id
        end = next((i for i, token in enumerate(row) if token in eos), None)
        text = tokenizer.decode(row[:end], skip_special_tokens=False)
        tokens = len(row) if end is None else end + 1
        problem = at // samples
        texts.append(workload.text(batch[problem]["task_id"], text, lengths[problem], tokens))
    return texts


def shared(model, inputs, samples: int) -> dict[str, Any]:
    """The inputs `samples` times, with the keys and values of all but the last token.

    `generate` by itself repeats the prompts and then reads every copy.
    """
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    cache = transformers.DynamicCache(config=model.config)
    places = (mask.cumsum(1) - 1).clamp(min=0)[:, :-1]
    mine = {"attention_mask": mask[:, :-1], "position_ids": places, "past_key_values": cache}
    model(ids[:, :-1], logits_to_keep=1, **mine)
    cache.batch_repeat_interleave(samples)
    repeated = {name: one.repeat_interleave(samples, 0) for name, one in inputs.items()}
    return repeated | {"past_key_values": cache}


if __name__ == "__main__":
    main()
