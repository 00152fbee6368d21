use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use infer_code_cad_checkpoint::{
    ChatOptions, ChatTemplate, CheckpointError, Message, Role, Variable,
};
use infer_code_cad_decode::Settings;
use serde_json::Value;

use crate::{Error, LanguageModel, ModelWriter, Solver};

/// How the text of a stream is put to the model.
///
/// Every stream is put on its own, so that the question stream of context-aware decoding begins
/// with its own BOS and is framed as the context stream is.
#[derive(Debug, Clone, PartialEq)]
pub enum PromptFormat {
    /// [`PromptFormat::Chat`] where the model has a chat template, else [`PromptFormat::Raw`].
    Auto(Chat),
    /// The text as it is, after the BOS of the tokenizer; what the paper's prompts (Table 4) say.
    Raw,
    /// The text as the message of a user, in the model's own chat format.
    Chat(Chat),
}

impl Default for PromptFormat {
    /// A chat without a system message where the model has a template.
    fn default() -> Self {
        Self::Auto(Chat::default())
    }
}

/// What surrounds the user's message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chat {
    /// Tells the model how to behave, before what a prompter's own system message says. `None` leaves
    /// it to the template, some of which then say something of their own.
    ///
    /// A template without a system role, such as Gemma 2's, gets it at the beginning of the user's
    /// message, before an empty line.
    pub system: Option<String>,
    /// What the template is told beside the messages.
    pub options: ChatOptions,
}

impl PromptFormat {
    /// What writes in this format for the model of a solver.
    ///
    /// # Errors
    /// [`Error::NoChatTemplate`] when the format needs a template and the model has none.
    pub fn writer(&self, solver: &Solver) -> Result<ModelWriter, Error> {
        Ok(ModelWriter::new(solver.clone(), self.framing(&solver.model)?))
    }

    /// What it comes to with `model`, for result files: `raw` or `chat`, with what was set.
    ///
    /// # Errors
    /// [`Error::NoChatTemplate`].
    pub fn settings(&self, model: &LanguageModel) -> Result<Settings, Error> {
        Ok(self.framing(model)?.settings())
    }

    fn framing(&self, model: &LanguageModel) -> Result<Framing, Error> {
        match (self, &model.chat_template) {
            (Self::Auto(chat) | Self::Chat(chat), Some(template)) => {
                Ok(Framing::Chat(template.clone(), chat.clone()))
            }
            (Self::Auto(Chat { system: None, .. }) | Self::Raw, _) => Ok(Framing::Raw),
            // A system message must not get lost.
            (Self::Auto(_) | Self::Chat(_), None) => {
                Err(Error::NoChatTemplate { model: model.name.clone() })
            }
        }
    }
}

/// The name alone: `auto`, `raw` or `chat`.
impl fmt::Display for PromptFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto(_) => "auto",
            Self::Raw => "raw",
            Self::Chat(_) => "chat",
        })
    }
}

/// `auto`, `raw` or `chat`, without a system message.
impl FromStr for PromptFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "auto" => Ok(Self::default()),
            "raw" => Ok(Self::Raw),
            "chat" => Ok(Self::Chat(Chat::default())),
            _ => Err(Error::UnknownPromptFormat { name: name.to_owned() }),
        }
    }
}

/// A format resolved against one model.
#[derive(Debug, Clone)]
pub(crate) enum Framing {
    Raw,
    Chat(Arc<ChatTemplate>, Chat),
}

impl Framing {
    /// The text that the model reads before its answer.
    pub(crate) fn frame(&self, messages: &[Message]) -> Result<String, CheckpointError> {
        let Self::Chat(template, chat) = self else {
            let said: Vec<&str> = messages.iter().map(|message| message.content.as_str()).collect();
            return Ok(said.join("\n\n"));
        };
        let messages = chat.with_system(messages);
        match (template.render(&messages, &chat.options), messages.split_first()) {
            (Err(CheckpointError::ChatTemplateRefused { .. }), Some((first, rest)))
                if first.role == Role::System && !rest.is_empty() =>
            {
                template.render(&opened_with(&first.content, rest), &chat.options)
            }
            (rendered, _) => rendered,
        }
    }

    fn settings(&self) -> Settings {
        let Self::Chat(_, Chat { system, options }) = self else { return Settings::new("raw") };
        let mut settings = Settings::new("chat");
        if let Some(system) = system {
            settings = settings.with("system", system);
        }
        let ChatOptions { add_generation_prompt, date, variables } = options;
        let usual = ChatOptions::default();
        if *add_generation_prompt != usual.add_generation_prompt {
            settings = settings.with("add_generation_prompt", add_generation_prompt);
        }
        if *date != usual.date {
            settings = settings.with("date", date);
        }
        if variables.is_empty() {
            return settings;
        }
        settings.with("variables", pairs(variables))
    }
}

impl Chat {
    /// The messages, of which the first says what the system message of the format says.
    fn with_system(&self, messages: &[Message]) -> Vec<Message> {
        let Some(system) = &self.system else { return messages.to_vec() };
        match messages {
            [first, ..] if first.role == Role::System => opened_with(system, messages),
            _ => [&[Message::system(system)], messages].concat(),
        }
    }
}

/// Variables as JSON that keeps their order.
fn pairs<'v>(variables: impl IntoIterator<Item = (&'v String, &'v Variable)>) -> Value {
    variables.into_iter().map(|(name, value)| serde_json::json!([name, json(value)])).collect()
}

fn json(variable: &Variable) -> Value {
    match variable {
        Variable::Null => Value::Null,
        Variable::Bool(value) => (*value).into(),
        Variable::Integer(value) => (*value).into(),
        Variable::Number(value) => (*value).into(),
        Variable::Text(text) => text.as_str().into(),
        Variable::List(values) => values.iter().map(json).collect(),
        Variable::Map(fields) => pairs(fields.iter().map(|(name, value)| (name, value))),
        // Kinds to come: told apart, if not for good.
        other => format!("{other:?}").into(),
    }
}

/// The messages with a text and an empty line before what the first one says.
fn opened_with(text: &str, messages: &[Message]) -> Vec<Message> {
    let mut messages = messages.to_vec();
    if let Some(first) = messages.first_mut() {
        first.content = format!("{text}\n\n{}", first.content);
    }
    messages
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for name in ["auto", "raw", "chat"] {
            assert_eq!(name.parse::<PromptFormat>().unwrap().to_string(), name);
        }
        let error = "Chat".parse::<PromptFormat>().unwrap_err().to_string();
        assert!(error.contains("auto, raw or chat"), "{error}");
    }

    #[test]
    fn a_raw_prompt_is_what_is_said() {
        let messages = [Message::user("one"), Message::user("two")];
        assert_eq!(Framing::Raw.frame(&messages).unwrap(), "one\n\ntwo");
        assert_eq!(Framing::Raw.frame(&messages[..1]).unwrap(), "one");
    }

    #[test]
    fn two_system_messages_are_one() {
        let chat = Chat { system: Some("Be brief.".into()), ..Chat::default() };
        let own = [Message::system("Write Python."), Message::user("Go.")];
        let expected = [Message::system("Be brief.\n\nWrite Python."), Message::user("Go.")];
        assert_eq!(chat.with_system(&own), expected);
        assert_eq!(chat.with_system(&own[1..])[0], Message::system("Be brief."));
        assert_eq!(Chat::default().with_system(&own), own);
    }
}
