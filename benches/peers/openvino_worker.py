"""Times OpenVINO, through optimum-intel, on a checkpoint that `optimum-cli export openvino` wrote.

Vanilla decoding only: it has no CAD, and its one cache cannot serve `guidance_scale`.
"""

import openvino
import torch
from optimum.intel import OVModelForCausalLM

import measure
import transformers_worker


def main() -> None:
    """Loads, warms up, measures and prints one JSON object."""
    parser = measure.flags(__doc__)
    parser.set_defaults(modes=["vanilla"])
    args = parser.parse_args()
    if args.modes != ["vanilla"]:
        parser.error("OpenVINO decodes with --modes vanilla only")
    torch.set_num_threads(args.threads)
    config = {"INFERENCE_NUM_THREADS": str(args.threads), "PERFORMANCE_HINT": "LATENCY"}
    loaded: list[float] = []
    with measure.stopwatch(loaded):
        model = OVModelForCausalLM.from_pretrained(args.model, ov_config=config)
    figures = transformers_worker.figures(model, args)
    version = f"openvino {openvino.__version__}"
    measure.report(args, version, {"load_seconds": loaded[0]} | figures)


if __name__ == "__main__":
    main()
