//! A synchronisation as teams write it by hand: one row a file, whole files in both directions, and whoever comes last
//! wins. Written fairly: each direction is what a save hook and a webhook do, and nothing goes wrong on the way.

use lorebase::Result;

use crate::repository::Repository;

/// The row of the one file: its fields in order and its text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Row {
    pub(crate) fn set(mut self, field: &str, value: &str) -> Self {
        if let Some((_, old)) = self.fields.iter_mut().find(|(name, _)| name == field) {
            value.clone_into(old);
        }
        self
    }

    pub(crate) fn replace(mut self, old: &str, new: &str) -> Self {
        self.body = self.body.replacen(old, new, 1);
        self
    }

    fn parse(text: &str) -> Self {
        let (head, body) = text.strip_prefix("---\n").and_then(|rest| rest.split_once("---\n")).unwrap_or_default();
        let field = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            let value = value.split_once(" #").map_or(value, |(value, _)| value);
            Some((name.to_owned(), value.trim().to_owned()))
        };
        Self { fields: head.lines().filter_map(field).collect(), body: body.to_owned() }
    }

    fn render(&self) -> String {
        let lines: Vec<String> = self.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        format!("---\n{}\n---\n{}", lines.join("\n"), self.body)
    }
}

/// The application.
pub(crate) struct LastWriteWins<'r> {
    repository: &'r Repository,
    row: Row,
}

impl<'r> LastWriteWins<'r> {
    /// Starts with what git has.
    pub(crate) async fn start(repository: &'r Repository) -> Result<Self> {
        let mut app = Self { repository, row: Row::default() };
        app.webhook().await?;
        Ok(app)
    }

    /// What the web form shows when somebody opens it.
    pub(crate) fn form(&self) -> Row {
        self.row.clone()
    }

    /// Save: the form becomes the row.
    pub(crate) fn save(&mut self, form: Row) {
        self.row = form;
    }

    /// The row becomes the file, on top of whatever is there.
    pub(crate) async fn commit(&self) -> Result<()> {
        self.repository.commit("Ada", "Save Acme", &self.row.render()).await
    }

    /// The file becomes the row.
    pub(crate) async fn webhook(&mut self) -> Result<()> {
        self.row = Row::parse(&self.repository.file().await?);
        Ok(())
    }

    /// The row, as the file that it would be.
    pub(crate) fn row(&self) -> String {
        self.row.render()
    }
}
