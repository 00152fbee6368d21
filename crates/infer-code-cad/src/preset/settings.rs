use infer_code_cad_decode::Settings;

use super::{Preset, PresetError};

/// Texts as JSON, which keeps line breaks apart.
pub(super) fn list(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}

impl Preset {
    /// All that it fills in, for result files; [`Preset::read`] reads it back.
    pub fn settings(&self) -> Settings {
        let text = self.text_defects(false);
        let mut settings = Settings::new(self.to_string())
            .with("prompt_format", self.prompt_format())
            .with("extraction", self.extraction())
            .with("leading_space", text.leading_space)
            .with("clean_up", text.clean_up)
            .with("alpha", Self::ALPHA)
            .with("question", self.question())
            .with("wording", self.wording())
            .with("first_quotes", self.has(super::Defect::FirstQuotes))
            .with("first_def", self.has(super::Defect::FirstDef));
        for (name, drawing) in self.drawings() {
            settings = settings.with(name, drawing.settings());
        }
        settings
    }

    /// The preset of a result file.
    ///
    /// # Errors
    /// [`PresetError`] for a name that is none, and where the preset of that name fills in something else today.
    ///
    /// # Examples
    /// ```
    /// use infer_code_cad::Preset;
    ///
    /// let preset: Preset = "default+leading-space".parse()?;
    /// let (text, mut other) = (preset.settings().to_string(), preset.settings());
    /// assert_eq!(Preset::read(&text.parse()?)?, preset);
    /// other.values[0].1 = "raw".to_owned();
    /// assert!(Preset::read(&other).unwrap_err().to_string().contains("prompt_format"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(settings: &Settings) -> Result<Self, PresetError> {
        let preset: Self = settings.name.parse()?;
        let today = preset.settings();
        let keys = settings.values.iter().chain(&today.values).map(|(key, _)| key);
        let mut other = keys.filter(|key| settings.get(key) != today.get(key));
        let Some(key) = other.next() else { return Ok(preset) };
        let value = |of: &Settings| of.get(key).unwrap_or("nothing").to_owned();
        let (key, was, now) = (key.clone(), value(settings), value(&today));
        Err(PresetError::Changed { name: preset.to_string(), key, was, now })
    }
}
