//! Markdown that looks written: headings, paragraphs, lists, a table, a code block. As long as it is asked to be.

use std::fmt::Write;

use crate::random::Random;

pub(crate) const NOUNS: [&str; 48] = [
    "account",
    "adapter",
    "agenda",
    "approval",
    "archive",
    "backlog",
    "branch",
    "budget",
    "calendar",
    "campaign",
    "catalogue",
    "channel",
    "checklist",
    "contract",
    "customer",
    "dashboard",
    "deadline",
    "decision",
    "delivery",
    "document",
    "estimate",
    "feature",
    "forecast",
    "handover",
    "incident",
    "invoice",
    "ledger",
    "meeting",
    "milestone",
    "notebook",
    "onboarding",
    "partner",
    "pipeline",
    "policy",
    "pricing",
    "proposal",
    "prototype",
    "quarter",
    "record",
    "release",
    "renewal",
    "report",
    "review",
    "roadmap",
    "schema",
    "supplier",
    "workshop",
    "Zürich",
];
const VERBS: [&str; 20] = [
    "agrees with",
    "begins before",
    "belongs to",
    "changes",
    "closes",
    "decides",
    "depends on",
    "explains",
    "follows",
    "includes",
    "keeps",
    "limits",
    "names",
    "needs",
    "opens",
    "outlives",
    "owns",
    "replaces",
    "shortens",
    "summarises",
];
pub(crate) const ADJECTIVES: [&str; 24] = [
    "annual", "careful", "clear", "common", "early", "external", "final", "first", "internal", "late", "legal", "local", "missing",
    "modest", "new", "next", "open", "plain", "public", "quiet", "regional", "short", "signed", "yearly",
];
const JOINTS: [&str; 8] = ["and", "but", "while", "because", "so that", "unless", "although", "before"];

pub(crate) fn sentence(random: &mut Random, into: &mut String) {
    let start = into.len();
    for part in 0..=random.below(3) {
        if part > 0 {
            let _ = write!(into, ", {} ", random.pick(&JOINTS));
        }
        let (one, other) = (random.pick(&NOUNS), random.pick(&NOUNS));
        let _ = write!(into, "the {} {one} {} the {} {other}", random.pick(&ADJECTIVES), random.pick(&VERBS), random.pick(&ADJECTIVES));
    }
    into.replace_range(start..=start, "T");
    into.push_str(". ");
}

fn paragraph(random: &mut Random, into: &mut String) {
    for _ in 0..2 + random.below(3) {
        sentence(random, into);
    }
    into.pop();
    into.push_str("\n\n");
}

/// A text of `length` bytes or a few more, under a heading.
pub(crate) fn text(random: &mut Random, title: &str, length: usize) -> String {
    let mut text = format!("# {title}\n\n");
    while text.len() < length {
        match random.below(8) {
            0 => {
                let _ = write!(text, "## The {} {}\n\n", random.pick(&ADJECTIVES), random.pick(&NOUNS));
            }
            1 => {
                for _ in 0..3 + random.below(3) {
                    text.push_str("- ");
                    sentence(random, &mut text);
                    text.pop();
                    text.push('\n');
                }
                text.push('\n');
            }
            2 => {
                text.push_str("| what | how much |\n| --- | ---: |\n");
                for _ in 0..3 {
                    let _ = writeln!(text, "| {} {} | {} |", random.pick(&ADJECTIVES), random.pick(&NOUNS), random.below(10_000));
                }
                text.push('\n');
            }
            3 => {
                let _ = write!(
                    text,
                    "```sql\nSELECT {0} FROM {1} WHERE {0} > {2};\n```\n\n",
                    random.pick(&NOUNS),
                    random.pick(&NOUNS),
                    random.below(500)
                );
            }
            _ => paragraph(random, &mut text),
        }
    }
    text.pop();
    text
}
