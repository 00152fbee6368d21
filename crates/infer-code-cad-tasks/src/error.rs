use std::io;

/// What can be wrong with a problem or sample file.
///
/// Every message names the file, and where it applies the 1-based line and the field.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The file cannot be opened, read or written.
    #[error("{file}: {source}; check the path and its permissions")]
    Io {
        /// Path as given.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The gzip stream is truncated or damaged.
    #[error("{file}: damaged gzip data ({source}); download the file again")]
    Gzip {
        /// Path as given.
        file: String,
        /// What the decoder said.
        source: io::Error,
    },
    /// The file is parquet, and this program was built without it.
    #[error(
        "{file}: parquet needs the feature parquet; build with --features parquet, or convert the file to JSON lines"
    )]
    ParquetFeature {
        /// Path as given.
        file: String,
    },
    /// The parquet file is damaged, or holds values that problems do not have.
    #[error("{file}: not readable as parquet ({reason}); download the file again")]
    Parquet {
        /// Path as given.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A line holds bytes that are not UTF-8.
    #[error("{file}, line {line}: not UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// Path as given.
        file: String,
        /// 1-based line.
        line: usize,
    },
    /// A line is not JSON.
    #[error("{file}, line {line}: malformed JSON ({source}); each line must be one JSON object")]
    Json {
        /// Path as given.
        file: String,
        /// 1-based line.
        line: usize,
        /// What the parser said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A line is JSON, but not an object.
    #[error("{file}, line {line}: expected a JSON object, found {found}; use one object per line")]
    NotAnObject {
        /// Path as given.
        file: String,
        /// 1-based line.
        line: usize,
        /// JSON type found.
        found: &'static str,
    },
    /// An element of a list of lists of programs is something else.
    #[error(
        "{file}, line {line}: expected a list of programs, found {found}; the file began with such a list, and every \
         element must be one"
    )]
    NotPrograms {
        /// Path as given.
        file: String,
        /// 1-based line.
        line: usize,
        /// JSON type found.
        found: &'static str,
    },
    /// A file of lists of programs was opened without the tasks that they answer.
    #[error(
        "{file} has lists of programs without task ids, as generations.json of bigcode-evaluation-harness; open it with \
         the problems, whose order it follows"
    )]
    NoTaskIds {
        /// Path as given.
        file: String,
    },
    /// A file of lists of programs is not of these tasks.
    #[error(
        "{file} has {lists} lists of programs for {tasks} problems; only their order tells which list is whose, so give the \
         problems that they were written for, all of them and no others"
    )]
    ListCount {
        /// Path as given.
        file: String,
        /// Lists in the file.
        lists: usize,
        /// Tasks there are.
        tasks: usize,
    },
    /// A file that was to be written is there.
    #[error("{file} is there already; remove it or name another file")]
    Exists {
        /// Path as given.
        file: String,
    },
    /// The file starts with `[` and ends before the list does.
    #[error(
        "{file}, line {line}: the list that begins here has no `]`; check that the file is complete"
    )]
    OpenList {
        /// Path as given.
        file: String,
        /// 1-based line of the `[`.
        line: usize,
    },
    /// A required field is absent.
    #[error(
        "{file}, line {line}: field `{field}` is missing; add it, or check that this file has the expected format"
    )]
    MissingField {
        /// Path as given.
        file: String,
        /// 1-based line.
        line: usize,
        /// Field name.
        field: &'static str,
    },
    /// A field has another JSON type than expected.
    #[error(
        "{file}, line {line}: field `{field}` must be {expected}, found {found}; correct its value"
    )]
    WrongType {
        /// Path as given.
        file: String,
        /// 1-based line.
        line: usize,
        /// Field name.
        field: &'static str,
        /// JSON type expected.
        expected: &'static str,
        /// JSON type found.
        found: &'static str,
    },
    /// A field has the right type but an unusable value.
    #[error("{file}, line {line}: field `{field}` {reason}")]
    InvalidField {
        /// Path as given.
        file: String,
        /// 1-based line.
        line: usize,
        /// Field name.
        field: &'static str,
        /// Why, and what to do.
        reason: String,
    },
    /// Two lines carry the same task id.
    #[error(
        "{file}, line {line}: field `task_id` repeats {task_id} of line {first_line}; remove one of the two"
    )]
    DuplicateTaskId {
        /// Path as given.
        file: String,
        /// 1-based line of the repetition.
        line: usize,
        /// 1-based line of the first use.
        first_line: usize,
        /// The repeated id.
        task_id: String,
    },
    /// The file holds no row, or none of the split asked for.
    #[error("{file}: no {what}; check that the path names a complete file")]
    Empty {
        /// Path as given.
        file: String,
        /// What was looked for.
        what: &'static str,
    },
    /// A task cannot be given other names.
    #[error(
        "task {task_id:?}, prompt with reference solution {reason}, so that its names cannot be changed; repair \
         the task or leave it as it is"
    )]
    Renaming {
        /// The task.
        task_id: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nothing of its kind has this name.
    #[error("{kind} {name:?} is unknown; choose one of: {}", choices.join(", "))]
    UnknownName {
        /// What was to be named, such as `stop preset`.
        kind: &'static str,
        /// The name given.
        name: String,
        /// All names there are.
        choices: Vec<&'static str>,
    },
}

impl TaskError {
    /// The 1-based line at fault, where the fault is one line's.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::NotUtf8 { line, .. }
            | Self::Json { line, .. }
            | Self::NotAnObject { line, .. }
            | Self::NotPrograms { line, .. }
            | Self::OpenList { line, .. }
            | Self::MissingField { line, .. }
            | Self::WrongType { line, .. }
            | Self::InvalidField { line, .. }
            | Self::DuplicateTaskId { line, .. } => Some(*line),
            Self::Io { .. }
            | Self::Gzip { .. }
            | Self::ParquetFeature { .. }
            | Self::Parquet { .. }
            | Self::NoTaskIds { .. }
            | Self::ListCount { .. }
            | Self::Exists { .. }
            | Self::Empty { .. }
            | Self::Renaming { .. }
            | Self::UnknownName { .. } => None,
        }
    }
}
