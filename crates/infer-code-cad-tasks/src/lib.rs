#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod align;
mod answer;
mod body;
mod builtins;
mod choice;
mod entry;
mod error;
mod examples;
mod expression;
mod extract;
mod fence;
mod fields;
mod humaneval;
mod item;
mod jsonl;
mod keep;
mod marks;
mod mbpp;
mod paper_code;
mod parquet_file;
mod plus;
mod problem;
mod program;
pub mod prompts;
mod prose;
mod python;
mod python_json;
mod renaming;
mod sample;
mod sample_dir;
mod source;
mod stop;
mod syntax;
mod task;

pub use error::TaskError;
pub use extract::{Extraction, extract_program};
pub use humaneval::{load_humaneval, load_problems, parse_tiny};
pub use mbpp::{MbppSplit, load_mbpp};
pub use paper_code::TextDefects;
pub use problem::{Embedded, Problem};
pub use renaming::Renaming;
pub use sample::{Answer, Sample, SampleLine, SampleReader, read_samples, write_samples};
pub use stop::StopPreset;
pub use task::{Hidden, Task};
