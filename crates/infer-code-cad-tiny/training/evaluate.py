"""pass@k of the embedded model on the embedded benchmark: `python3 training/evaluate.py`.

Ten samples per problem, temperature 0.8, nucleus 0.9, at most 128 new tokens, as in the paper. Passages come from
BM25 over the whole store with the docstring as the query. Generated programs run in a subprocess with a time limit.
"""

import argparse
import json
import pathlib
import subprocess
import sys
from collections import defaultdict, namedtuple

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from bm25 import Bm25
from problem import Problem
from prompts import prompt_text

ROOT = pathlib.Path(__file__).resolve().parent.parent
N_SAMPLES, TEMPERATURE, TOP_P, MAX_NEW_TOKENS = 10, 0.8, 0.9, 128
BATCH = 160  # sequences decoded together
Technique = namedtuple("Technique", "label layout alpha")
TECHNIQUES = (
    Technique("vanilla", "vanilla", 0.0),
    Technique("CAD 0.5", "cad", 0.5),
    Technique("CAD 1.0", "cad", 1.0),
    Technique("RAG", "rag", 0.0),
    Technique("CAD+RAG 0.5", "cad+rag", 0.5),
    Technique("CoT", "cot", 0.0),
)
Task = namedtuple("Task", "row problem passage")


def main():
    """One table: techniques against groups of problems."""
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    tokenizer = Tokenizer.from_file(str(args.model / "tokenizer.json"))
    model = load_model(args.model)
    tasks = load_tasks()
    found = [t.passage["id"] == t.row["passage_id"] for t in tasks if t.row["term"]]
    print("BM25 top-1 on the glossary part: %d of %d" % (sum(found), len(found)), flush=True)
    for technique in TECHNIQUES:
        if args.only and technique.label not in args.only.split(","):
            continue
        torch.manual_seed(0)
        completions = complete(model, tokenizer, tasks, technique)
        counts = [count_correct(task, texts, technique) for task, texts in zip(tasks, completions)]
        report(technique, tasks, counts)
        if args.show:
            show(tasks, completions, counts)


def parse_arguments():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "model")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", help="labels of techniques, separated by commas")
    parser.add_argument("--show", action="store_true", help="print one completion per problem")
    return parser.parse_args()


def load_model(folder):
    """The f16-rounded weights, computing in f32."""
    model = LlamaForCausalLM(LlamaConfig.from_pretrained(folder))
    state = {name: t.float() for name, t in load_file(folder / "model.safetensors").items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    return model.float().eval()


def load_tasks():
    """Benchmark rows with the parts of their prompts and the passage that BM25 ranks first."""
    passages = read_jsonl("passages.jsonl")
    index = Bm25([(p["title"], p["text"]) for p in passages])
    tasks = []
    for row in read_jsonl("problems.jsonl"):
        signature, doc = row["prompt"].split('\n    """', 1)
        name, _, names = signature[len("def ") : -len("):")].partition("(")
        problem = Problem(
            row["family"],
            row["level"],
            (),
            tuple((n, "") for n in names.split(", ")),
            doc[: -len('"""\n')],
            (),
            (),
            name,
        )
        assert problem.prompt == row["prompt"]
        tasks.append(Task(row, problem, passages[index.best(problem.doc)]))
    return tasks


def read_jsonl(name):
    """All rows of a data file."""
    return [json.loads(line) for line in (ROOT / "data" / name).read_text().splitlines()]


def complete(model, tokenizer, tasks, technique):
    """N_SAMPLES completions for every task."""
    jobs = [i for i in range(len(tasks)) for _ in range(N_SAMPLES)]
    texts = defaultdict(list)
    encode = lambda layout, task: tokenizer.encode(
        prompt_text(layout, task.problem, (task.passage["title"], task.passage["text"]))
    ).ids
    for begin in range(0, len(jobs), BATCH):
        batch = jobs[begin : begin + BATCH]
        streams = [Stream(model, [encode(technique.layout, tasks[i]) for i in batch])]
        if technique.alpha:
            streams.append(Stream(model, [encode("question", tasks[i]) for i in batch]))
        for i, ids in zip(batch, decode(streams, technique.alpha, model.config.eos_token_id)):
            texts[i].append(tokenizer.decode(ids, skip_special_tokens=True))
    return [texts[i] for i in range(len(tasks))]


class Stream:
    """A left-padded batch of token sequences with its cache."""

    def __init__(self, model, prompts):
        longest = max(len(ids) for ids in prompts)
        self.model, self.cache = model, DynamicCache(config=model.config)
        self.mask = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in prompts])
        padded = torch.tensor([[0] * (longest - len(ids)) + ids for ids in prompts])
        self.logits = self._forward(padded)

    def push(self, tokens):
        """Appends one token per row."""
        self.mask = torch.cat([self.mask, torch.ones(len(tokens), 1, dtype=self.mask.dtype)], dim=1)
        self.logits = self._forward(tokens[:, None])

    def _forward(self, ids):
        positions = (self.mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        with torch.no_grad():
            out = self.model(
                input_ids=ids,
                attention_mask=self.mask,
                position_ids=positions,
                past_key_values=self.cache,
                logits_to_keep=1,
            )
        return out.logits[:, -1]  # (rows, vocab)


def decode(streams, alpha, eos):
    """Samples until every row has ended; returns token lists without EOS."""
    n_rows = streams[0].logits.shape[0]
    rows, done = [[] for _ in range(n_rows)], torch.zeros(n_rows, dtype=torch.bool)
    for _ in range(MAX_NEW_TOKENS):
        logits = streams[0].logits
        if alpha:
            logits = (1 + alpha) * logits - alpha * streams[1].logits
        tokens = sample_nucleus(logits)
        done |= tokens == eos
        if done.all():
            break
        for row in (~done).nonzero()[:, 0].tolist():
            rows[row].append(int(tokens[row]))
        for stream in streams:
            stream.push(tokens)
    return rows


def sample_nucleus(logits):
    """One token per row from the smallest set with probability TOP_P."""
    probabilities, order = torch.softmax(logits / TEMPERATURE, dim=-1).sort(dim=-1, descending=True)
    before = probabilities.cumsum(-1) - probabilities
    probabilities = probabilities.masked_fill(before >= TOP_P, 0.0)
    return order.gather(1, torch.multinomial(probabilities, 1))[:, 0]


def program_of(task, completion, technique):
    """The program that a completion makes."""
    if technique.layout == "cot":
        return completion[completion.find("def ") :] if "def " in completion else ""
    if technique.layout.startswith("cad"):
        return task.problem.signature + completion
    return task.problem.prompt + completion


RUNNER = """
import json, resource, signal, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
programs, test, name = json.load(sys.stdin)
results = []
def expire(*_):
    raise TimeoutError
signal.signal(signal.SIGALRM, expire)
for program in programs:
    scope = {}
    signal.setitimer(signal.ITIMER_REAL, 2)
    try:
        exec(program + "\\n" + test, scope)
        scope["check"](scope[name])
        results.append(True)
    except BaseException:
        results.append(False)
    signal.setitimer(signal.ITIMER_REAL, 0)
sys.__stdout__.write(json.dumps(results))
"""


def count_correct(task, completions, technique):
    """How many completions pass the tests."""
    programs = [program_of(task, text, technique) for text in completions]
    distinct = sorted(set(programs))
    job = json.dumps([distinct, task.row["test"], task.row["entry_point"]])
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", RUNNER], input=job, capture_output=True, text=True, timeout=60
        )
        passed = dict(zip(distinct, json.loads(done.stdout or "[]")))
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        passed = {}
    return sum(passed.get(program, False) for program in programs)


def pass_at_k(n_correct, k):
    """Chen et al.'s unbiased estimate for N_SAMPLES samples."""
    if N_SAMPLES - n_correct < k:
        return 1.0
    miss = 1.0
    for i in range(k):
        miss *= (N_SAMPLES - n_correct - i) / (N_SAMPLES - i)
    return 1 - miss


def report(technique, tasks, counts):
    """One line per group: pass@1, 5, 10."""
    groups = defaultdict(list)
    for task, count in zip(tasks, counts):
        part = "glossary" if task.row["term"] else "ordinary"
        groups[part].append(count)
        groups["%s level %d" % (part, task.row["level"])].append(count)
    for name in sorted(groups):
        scores = [sum(pass_at_k(c, k) for c in groups[name]) / len(groups[name]) for k in (1, 5, 10)]
        print(
            "%-12s %-18s n=%-3d pass@1 %.3f pass@5 %.3f pass@10 %.3f"
            % (technique.label, name, len(groups[name]), *scores),
            flush=True,
        )


def show(tasks, completions, counts):
    """The first completion of every problem, to read."""
    for task, texts, count in zip(tasks, completions, counts):
        print(
            "--- %s %s level %d: %d of %d\n%s%s"
            % (
                task.row["task_id"],
                task.row["family"],
                task.row["level"],
                count,
                N_SAMPLES,
                task.row["prompt"],
                texts[0],
            )
        )


if __name__ == "__main__":
    main()
