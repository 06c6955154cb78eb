//! What a caller sends: a save is a patch, and everything it does not name stays.

use serde_json::Value;

use crate::codec::FieldEdit;
use crate::knowledge::{Author, EntityId, KindName, Slug, Status};

/// Which revision a form was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BasedOn {
    /// This one.
    Revision(u64),
    /// Whatever is newest when the save arrives: the caller takes the responsibility.
    Current,
}

/// Whether the entity must exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It must not exist.
    Create,
    /// It must exist.
    Update,
    /// Either.
    Upsert,
}

/// A save as a caller sends it. Everything that is not named stays as it is.
///
/// ```
/// use lorebase::knowledge::Author;
/// use lorebase::sync::Save;
///
/// let save = Save::create("skill")
///     .title("Reading PDFs")
///     .body("# Reading PDFs\n")
///     .set("categories", vec!["documents"])
///     .author(Author::new("Ada", "ada@example.com"));
/// let edit = Save::update("skill", "reading-pdfs").set("title", "Reading PDF files").based_on(1);
/// # let _ = (save, edit);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Save {
    /// The kind.
    pub kind: KindName,
    /// Whether it must exist.
    pub mode: Mode,
    /// The entity by its slug; for a new one the slug to take (else made from the title).
    pub slug: Option<Slug>,
    /// The entity by its id; for a new one the id to take.
    pub id: Option<EntityId>,
    /// A new slug: moves the file.
    pub rename: Option<Slug>,
    /// Changes of fields, in order.
    pub edits: Vec<FieldEdit>,
    /// The title, in whichever field the entity keeps it.
    pub title: Option<String>,
    /// The whole new body.
    pub body: Option<String>,
    /// The revision the form was made from; needed to change the body of an existing entity.
    pub based_on: Option<BasedOn>,
    /// Who saves.
    pub author: Option<Author>,
    /// The commit's subject.
    pub message: Option<String>,
    /// A key of the caller's: a second save with it does nothing and answers like the first.
    pub idempotency_key: Option<String>,
    /// The external source that speaks, where it is not a person: see [`source`](Self::source).
    pub source: Option<String>,
}

impl Save {
    fn new(kind: &str, mode: Mode, slug: Option<Slug>) -> Self {
        Self {
            kind: KindName::from(kind),
            mode,
            slug,
            id: None,
            rename: None,
            edits: Vec::new(),
            title: None,
            body: None,
            based_on: None,
            author: None,
            message: None,
            idempotency_key: None,
            source: None,
        }
    }

    /// A new entity; its slug comes from the title unless [`slug`](Self::slug) gives one.
    pub fn create(kind: &str) -> Self {
        Self::new(kind, Mode::Create, None)
    }

    /// A change of the entity with this slug.
    pub fn update(kind: &str, slug: &str) -> Self {
        Self::new(kind, Mode::Update, Some(Slug::from(slug)))
    }

    /// The entity with this slug, made if it does not exist.
    pub fn upsert(kind: &str, slug: &str) -> Self {
        Self::new(kind, Mode::Upsert, Some(Slug::from(slug)))
    }

    /// The slug of a new entity.
    #[must_use]
    pub fn slug(mut self, slug: &str) -> Self {
        self.slug = Some(Slug::from(slug));
        self
    }

    /// The entity by its id, or the id of a new one.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(EntityId::from(id));
        self
    }

    /// Moves the entity to another slug.
    #[must_use]
    pub fn rename(mut self, slug: &str) -> Self {
        self.rename = Some(Slug::from(slug));
        self
    }

    /// Sets a field; `null` is a value like any other.
    #[must_use]
    pub fn set(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.edits.push(FieldEdit::Set(field.to_owned(), value.into()));
        self
    }

    /// Takes a field away.
    #[must_use]
    pub fn unset(mut self, field: &str) -> Self {
        self.edits.push(FieldEdit::Unset(field.to_owned()));
        self
    }

    /// Sets the title.
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        self.title = Some(title.to_owned());
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets the workflow's status (a field like any other in kinds without a workflow).
    #[must_use]
    pub fn status(self, status: Status) -> Self {
        self.set("status", status.as_str())
    }

    /// Names the revision that the form was made from.
    #[must_use]
    pub fn based_on(mut self, revision: u64) -> Self {
        self.based_on = Some(BasedOn::Revision(revision));
        self
    }

    /// Takes whatever is newest as the base.
    #[must_use]
    pub fn based_on_current(mut self) -> Self {
        self.based_on = Some(BasedOn::Current);
        self
    }

    /// Names who saves.
    #[must_use]
    pub fn author(mut self, author: Author) -> Self {
        self.author = Some(author);
        self
    }

    /// Gives the commit's subject.
    #[must_use]
    pub fn message(mut self, message: &str) -> Self {
        self.message = Some(message.to_owned());
        self
    }

    /// Says that this is a refresh from an external source such as a CRM. It has a base of its own, what the source said
    /// last: only what the source changed since is changed, and where a person has edited the same, the person's value
    /// stays and the difference is listed until somebody decides
    /// ([`KnowledgeBase::overrides`](crate::KnowledgeBase::overrides)). A refresh brings fields only.
    #[must_use]
    pub fn source(mut self, name: &str) -> Self {
        self.source = Some(name.to_owned());
        self
    }

    /// Gives the caller's key.
    #[must_use]
    pub fn idempotency_key(mut self, key: &str) -> Self {
        self.idempotency_key = Some(key.to_owned());
        self
    }
}
