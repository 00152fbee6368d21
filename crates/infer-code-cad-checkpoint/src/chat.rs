//! Messages to the text that a chat model was trained on.

mod date;
mod dialect;
mod end_of_turn;
mod json;
mod nesting;
mod python;
mod source;
mod variable;

use std::collections::BTreeMap;

use minijinja::{Environment, Error, ErrorKind, Value};

use crate::CheckpointError;
use crate::named::named;

pub use date::Date;
pub(crate) use end_of_turn::{Mark, looks_like_mark};
pub(crate) use source::ChatFiles;
pub use variable::Variable;

/// The name of the one template in its engine.
const NAME: &str = "chat_template";
/// Steps that a template may take before its input is counted: ten times what published ones need.
/// Few enough that values nested as deeply as they allow are dropped within a thread's stack.
const BASE_FUEL: u64 = 10_000;
const FUEL_PER_MESSAGE: u64 = 200;

/// A chat template: the Jinja program, shipped with a model, that frames messages with the model's
/// own markers.
///
/// It renders as `apply_chat_template(tokenize=False)` of `transformers` does, byte for byte, where
/// messages are plain texts and no tools are given. The text usually begins with the BOS token,
/// which [`crate::Tokenizer::encode`] does not add a second time. Markers spelled in a message are
/// markers to the tokenizer too, as in `transformers`.
///
/// A template is a program of whoever made the checkpoint: it can neither read files nor the clock,
/// and its time and memory are bounded.
///
/// # Examples
/// ```
/// use infer_code_cad_checkpoint::{ChatOptions, ChatTemplate, Message};
///
/// let source = "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}";
/// let tokens = [("bos_token".to_owned(), "<s>".to_owned())].into();
/// let template = ChatTemplate::new("an example", source, tokens)?;
/// let text = template.render(&[Message::user("hello")], &ChatOptions::default())?;
/// assert_eq!(text, "<s>[user] hello\n");
/// # Ok::<(), infer_code_cad_checkpoint::CheckpointError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    engine: Environment<'static>,
    file: String,
    source: String,
    special_tokens: BTreeMap<String, String>,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A message that tells the model how to behave.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Role::System, content: content.into() }
    }

    /// A message of the person.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// A message of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// Who speaks in a [`Message`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Whoever sets the model up; some templates refuse it.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

named!(Role, "role": System = "system", User = "user", Assistant = "assistant");

/// What a chat template is told beside the messages.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatOptions {
    /// Whether the text ends where the model's answer begins.
    pub add_generation_prompt: bool,
    /// The day that `strftime_now` tells.
    pub date: Date,
    /// Further variables, such as `date_string` or `enable_thinking`; they replace variables of
    /// the same name.
    pub variables: BTreeMap<String, Variable>,
}

impl Default for ChatOptions {
    /// The answer begins, it is 26 July 2024, and there are no further variables.
    fn default() -> Self {
        Self { add_generation_prompt: true, date: Date::default(), variables: BTreeMap::new() }
    }
}

impl ChatTemplate {
    /// Parses `source`; `file` is where it came from, for error messages. Every end of a line means LF, be it
    /// written CRLF or CR.
    ///
    /// `special_tokens`: variables of the template, such as `bos_token` and `eos_token`.
    ///
    /// # Errors
    /// [`CheckpointError::ChatTemplateSyntax`].
    pub fn new(
        file: &str,
        source: &str,
        special_tokens: BTreeMap<String, String>,
    ) -> Result<Self, CheckpointError> {
        let syntax = |error: Error| CheckpointError::ChatTemplateSyntax {
            file: file.to_owned(),
            line: error.line().unwrap_or(1),
            reason: reason(&error),
        };
        let program = dialect::with_line_feeds(source);
        if let Some(line) = nesting::overlong_chain(&program) {
            let reason = "an expression or a chain of elif is too long".into();
            return Err(CheckpointError::ChatTemplateSyntax {
                file: file.to_owned(),
                line,
                reason,
            });
        }
        let mut engine = dialect::environment().map_err(syntax)?;
        let program = dialect::without_generation_marks(&program).into_owned();
        engine.add_template_owned(NAME, program).map_err(syntax)?;
        Ok(Self { engine, file: file.to_owned(), source: source.to_owned(), special_tokens })
    }

    /// Writes `messages` in the model's format.
    ///
    /// # Errors
    /// [`CheckpointError::ChatTemplateRefused`] when the template does not take such messages,
    /// [`CheckpointError::ChatTemplateFuel`] when it takes too long,
    /// [`CheckpointError::ChatTemplateRender`] when it fails, [`CheckpointError::EmptyChat`].
    pub fn render(
        &self,
        messages: &[Message],
        options: &ChatOptions,
    ) -> Result<String, CheckpointError> {
        if messages.is_empty() {
            return Err(CheckpointError::EmptyChat);
        }
        let context = self.context(messages, options);
        let bytes: usize = messages.iter().map(|message| message.content.len()).sum();
        let fuel = BASE_FUEL + FUEL_PER_MESSAGE * messages.len() as u64 + bytes as u64 / 4;
        let mut engine = self.engine.clone();
        engine.set_fuel(Some(fuel));
        let template = engine.get_template(NAME);
        template.and_then(|template| template.render(context)).map_err(|e| self.failure(&e, fuel))
    }

    /// The template's own text.
    pub fn source(&self) -> &str {
        &self.source
    }

    fn context(&self, messages: &[Message], options: &ChatOptions) -> Value {
        let messages: Value = messages
            .iter()
            .map(|m| Value::from_pairs([("role", m.role.name()), ("content", &m.content)]))
            .collect();
        let tokens = self.special_tokens.iter().map(|(name, token)| (name.as_str(), token.into()));
        let variables = options.variables.iter().map(|(name, v)| (name.as_str(), v.value()));
        let fixed = [
            ("messages", messages),
            ("tools", Value::from(())),
            ("documents", Value::from(())),
            ("add_generation_prompt", options.add_generation_prompt.into()),
            ("strftime_now", dialect::strftime_now(options.date)),
        ];
        Value::from_pairs(tokens.chain(fixed).chain(variables))
    }

    fn failure(&self, error: &Error, fuel: u64) -> CheckpointError {
        let file = self.file.clone();
        if error.kind() == ErrorKind::OutOfFuel {
            return CheckpointError::ChatTemplateFuel { file, fuel };
        }
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            if let Some(dialect::Refusal(reason)) = cause.downcast_ref() {
                return CheckpointError::ChatTemplateRefused { file, reason: reason.clone() };
            }
            source = cause.source();
        }
        let line = error.line().unwrap_or(1);
        CheckpointError::ChatTemplateRender { file, line, reason: reason(error) }
    }
}

/// What the engine says, without the name and line that it appends.
fn reason(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}
