//! Entities of 3 KB, decided by a seed, a number and a version. Each is told twice: as the bytes of its file and as
//! what these bytes say, so that nobody has to be believed who reads them.

use lorebase::knowledge::Fields;
use serde::Serialize;

use crate::head::Head;
use crate::prose::{self, ADJECTIVES, NOUNS};
use crate::random::Random;

/// How long a file is, in bytes; at most one paragraph more.
const LENGTH: usize = 3000;
/// Files in one folder.
const FOLDER: usize = 1000;

/// Which kinds a generator makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Of five entities two skills, one customer and two documents.
    All,
    /// Documents alone: a kind with no fields that a save changes by itself.
    Documents,
}

/// One entity: its place, its bytes and what they say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entity {
    /// `skill`, `customer` or `document`.
    pub kind: &'static str,
    /// The id that the file gives.
    pub id: String,
    /// The path below the kind's folder, without `.md`.
    pub slug: String,
    /// The path in the repository.
    pub path: String,
    /// The title: a customer's name, else the title.
    pub title: String,
    /// Everything that the frontmatter says.
    pub fields: Fields,
    /// Everything behind the frontmatter's last fence.
    pub body: String,
    /// The frontmatter with its fences.
    #[serde(skip)]
    pub head: String,
}

impl Entity {
    /// The file's text.
    pub fn text(&self) -> String {
        format!("{}{}", self.head, self.body)
    }
}

/// Makes entities. The same seed gives the same ones on every machine.
#[derive(Debug, Clone, Copy)]
pub struct Generator {
    seed: u64,
    mix: Mix,
}

impl Generator {
    /// A generator of these kinds.
    pub fn new(seed: u64, mix: Mix) -> Self {
        Self { seed, mix }
    }

    /// The entity of this number as it is after `version` edits: an edit changes one field and the text's last
    /// paragraph.
    pub fn entity(&self, number: usize, version: u64) -> Entity {
        let mut random = Random::new(self.seed, number as u64);
        let (adjective, noun) = (random.pick(&ADJECTIVES), random.pick(&NOUNS));
        let (kind, folder, prefix) = match (self.mix, number % 5) {
            (Mix::All, 0 | 1) => ("skill", "skills", "skl"),
            (Mix::All, 2) => ("customer", "customers", "cus"),
            _ => ("document", "documents", "doc"),
        };
        let id = format!("{prefix}-{number:06}");
        let noun_in_path = noun.replace('ü', "ue").to_lowercase();
        let slug = format!("{:03}/{adjective}-{noun_in_path}-{number}", number / FOLDER);
        let title = title(&mut random, adjective, noun, number);
        let mut head = Head::new();
        match kind {
            "skill" => skill(&mut random, &mut head, &id, &title, version),
            "customer" => customer(&mut random, &mut head, &id, &title, version),
            _ => document(&mut random, &mut head, &id, &title, &slug, version),
        }
        let (head, fields) = head.finish();
        let mut body = prose::text(&mut random, &title, LENGTH.saturating_sub(head.len()));
        if version > 0 {
            let mut edits = Random::new(self.seed ^ version, number as u64);
            body.push('\n');
            prose::sentence(&mut edits, &mut body);
            body.pop();
            body.push('\n');
        }
        Entity { kind, id, path: format!("{folder}/{slug}.md"), slug, title, fields, body, head }
    }

    /// The first `count` entities as they are before any edit.
    pub fn entities(self, count: usize) -> impl Iterator<Item = Entity> {
        (0..count).map(move |number| self.entity(number, 0))
    }
}

fn title(random: &mut Random, adjective: &str, noun: &str, number: usize) -> String {
    match random.below(5) {
        0 => format!("{adjective} {noun}: part {number}"),
        1 => format!("It's the {adjective} {noun} {number}"),
        2 => format!("\"{adjective}\" {noun} {number}"),
        _ => format!("The {adjective} {noun} {number}"),
    }
}

fn titled(head: &mut Head, field: &str, title: &str) {
    match title.as_bytes() {
        [b'"', ..] => head.single(field, title),
        _ if title.contains(": ") => head.double(field, title),
        _ if title.contains('\'') => head.single(field, title),
        _ => head.plain(field, title),
    }
}

fn date(random: &mut Random) -> String {
    format!("20{}-{:02}-{:02}", 20 + random.below(6), 1 + random.below(12), 1 + random.below(28))
}

fn moment(random: &mut Random) -> String {
    format!("{}T{:02}:{:02}:{:02}Z", date(random), random.below(24), random.below(60), random.below(60))
}

fn words<'a>(random: &mut Random, most: u64) -> Vec<&'a str> {
    (0..=random.below(most)).map(|_| random.pick(&NOUNS)).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

fn owners(random: &mut Random, head: &mut Head) {
    let names = ["Ada Lovelace", "Grace Hopper", "Jürgen Weiß", "Noor Haddad", "Mei Lin", "Tomás Núñez"];
    let people: Vec<_> = (0..=random.below(2))
        .map(|_| {
            let (name, number) = (random.pick(&names), random.below(1000));
            vec![("name", name.to_owned()), ("email", format!("person{number}@example.com")), ("userId", format!("user_{number:04}"))]
        })
        .collect();
    head.nested("owners", &people);
}

fn sources(random: &mut Random, head: &mut Head) {
    let places: Vec<_> = (0..=random.below(2))
        .map(|_| {
            vec![
                ("url", format!("https://example.com/{}/{}", random.pick(&NOUNS).to_lowercase().replace('ü', "ue"), random.below(1000))),
                ("addedAt", date(random)),
            ]
        })
        .collect();
    head.nested("sources", &places);
}

fn skill(random: &mut Random, head: &mut Head, id: &str, title: &str, version: u64) {
    head.plain("id", id);
    titled(head, "title", title);
    head.flow("categories", &words(random, 3));
    owners(random, head);
    sources(random, head);
    head.block("documents", &words(random, 2));
    head.single("created", &date(random));
    head.plain("updated", &format!("2026-{:02}-{:02}", 1 + version / 28 % 12, 1 + version % 28));
    head.value("active", random.below(4) > 0);
    head.plain("status", "PUBLISHED");
}

fn customer(random: &mut Random, head: &mut Head, id: &str, title: &str, version: u64) {
    head.plain("id", id);
    titled(head, "name", title);
    head.plain("industry", random.pick(&["Banking", "Energy", "Health care", "Logistics", "Software"]));
    head.double("website", &format!("https://customer-{}.example.com", random.below(100_000)));
    head.comment("as the sales system names it");
    head.double("salesforceId", &format!("001{:012}", random.below(1_000_000_000_000)));
    head.plain("region", random.pick(&["EMEA", "AMER", "APAC"]));
    head.plain("tier", random.pick(&["strategic", "enterprise", "growth"]));
    head.value("employeeCount", 10 + random.below(90_000) + version);
    head.value("annualRevenue", 100_000 * (1 + random.below(9_000)));
    head.plain("lastSalesforceSync", &moment(random));
    owners(random, head);
    sources(random, head);
    head.block("considerations", &words(random, 3));
    head.plain("created", &date(random));
    head.value("active", random.below(8) > 0);
}

fn document(random: &mut Random, head: &mut Head, id: &str, title: &str, slug: &str, version: u64) {
    let file = slug.rsplit('/').next().unwrap_or(slug);
    head.plain("id", id);
    titled(head, "title", title);
    head.plain("filename", &format!("{file}.pdf"));
    head.plain("fileType", "pdf");
    head.value("fileSize", 1_000 + random.below(9_000_000) + version);
    head.plain("uploadedAt", &moment(random));
    head.double("storageUrl", &format!("s3://example-knowledge/documents/{file}.pdf"));
    head.flow("tags", &words(random, 4));
    owners(random, head);
    head.value("public", random.below(2) == 0);
}
