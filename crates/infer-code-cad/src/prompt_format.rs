use std::fmt;

use infer_code_cad_checkpoint::{ChatOptions, ChatTemplate, CheckpointError, Message};
use infer_code_cad_tasks::Problem;

use crate::{Error, LanguageModel, Prompted, Prompter};

/// How the text of a stream is put to the model.
///
/// Every stream is put on its own, so that the question stream of context-aware decoding begins
/// with its own BOS and is framed as the context stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chat {
    /// Tells the model how to behave. `None` leaves it to the template, some of which then say
    /// something of their own.
    ///
    /// A template without a system role, such as Gemma 2's, gets it at the beginning of the user's
    /// message, before an empty line.
    pub system: Option<String>,
    /// What the template is told beside the messages.
    pub options: ChatOptions,
}

impl PromptFormat {
    /// Writes the streams of `problem` as `model` reads them.
    ///
    /// # Errors
    /// [`Error::NoChatTemplate`] when the format needs a template and the model has none,
    /// [`Error::Checkpoint`] when the template fails, and those of [`Prompter::streams`].
    pub fn streams(
        &self,
        prompter: &Prompter,
        problem: &Problem,
        model: &LanguageModel,
    ) -> Result<Prompted, Error> {
        let mut prompted = prompter.streams(problem)?;
        if let Resolved::Chat(template, chat) = self.resolve(model)? {
            for text in &mut prompted.streams {
                *text = chat.frame(template, text)?;
            }
        }
        Ok(prompted)
    }

    /// What it comes to with `model`, for result files: `raw`, `chat`, or `chat` with what was
    /// set.
    ///
    /// # Errors
    /// [`Error::NoChatTemplate`].
    pub fn describe(&self, model: &LanguageModel) -> Result<String, Error> {
        self.resolve(model).map(|resolved| resolved.to_string())
    }

    fn resolve<'a>(&'a self, model: &'a LanguageModel) -> Result<Resolved<'a>, Error> {
        match (self, &model.chat_template) {
            (Self::Auto(chat) | Self::Chat(chat), Some(template)) => {
                Ok(Resolved::Chat(template, chat))
            }
            (Self::Auto(Chat { system: None, .. }) | Self::Raw, _) => Ok(Resolved::Raw),
            // A system message must not get lost.
            (Self::Auto(_) | Self::Chat(_), None) => {
                Err(Error::NoChatTemplate { model: model.name.clone() })
            }
        }
    }
}

enum Resolved<'a> {
    Raw,
    Chat(&'a ChatTemplate, &'a Chat),
}

impl fmt::Display for Resolved<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Chat(_, chat) = self else { return f.write_str("raw") };
        f.write_str("chat")?;
        if let Some(system) = &chat.system {
            write!(f, ", system {system:?}")?;
        }
        if chat.options != ChatOptions::default() {
            write!(f, ", {:?}", chat.options)?;
        }
        Ok(())
    }
}

impl Chat {
    fn frame(&self, template: &ChatTemplate, text: &str) -> Result<String, CheckpointError> {
        let Some(system) = &self.system else {
            return template.render(&[Message::user(text)], &self.options);
        };
        let messages = [Message::system(system), Message::user(text)];
        match template.render(&messages, &self.options) {
            Err(CheckpointError::ChatTemplateRefused { .. }) => {
                let joined = Message::user(format!("{system}\n\n{text}"));
                template.render(&[joined], &self.options)
            }
            rendered => rendered,
        }
    }
}
