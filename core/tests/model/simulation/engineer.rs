//! The engineer: commits of her own, mistakes, reverts and force-pushes. What she takes out of git is replaced
//! knowingly.

use std::collections::{BTreeMap, BTreeSet};

use lorebase::store::TreeEdit;
use serde_json::{Map, Value, json};

use super::stage::{put, remove, run};
use super::text::{JSON, PRIVATE, SETTINGS, UNIQUE, broken, is_broken, mended, plain_field, with_body, with_field, words_in};
use super::{Check, Simulation, Step, What, sight};

type Files = BTreeMap<String, String>;

impl Simulation {
    pub(super) fn push(&mut self, edits: &[TreeEdit]) -> Check {
        if edits.is_empty() {
            return Ok(());
        }
        let before = self.files()?;
        self.stage.push(edits)?;
        self.pushed(&before)
    }

    fn pushed(&mut self, before: &Files) -> Check {
        let after = self.files()?;
        let words = |files: &Files| files.values().flat_map(|text| super::text::words(text)).collect::<BTreeSet<_>>();
        let (old, new) = (words(before), words(&after));
        self.ledger.replaced(old.difference(&new).cloned(), "an engineer");
        new.difference(&old).for_each(|word| self.ledger.owe_new(word));
        self.forget_private_of_what_is_gone()
    }

    /// Private fields go with the entity, once git has nothing of its id or, where it has none of its own, of its path.
    pub(super) fn forget_private_of_what_is_gone(&mut self) -> Check {
        let mut files = self.files()?;
        files.retain(|path, _| path.starts_with("customers/"));
        let ids: BTreeSet<&str> = files.values().filter_map(|text| plain_field(text, "id")).collect();
        for record in self.all_records()?.iter().filter(|record| !record.private.is_empty()) {
            let Some(live) = &record.live else { continue };
            let at_its_path = files.get(live.content.location.path.as_str());
            let there = ids.contains(record.key.id.as_str()) || at_its_path.is_some_and(|text| plain_field(text, "id").is_none());
            if !there {
                self.ledger.replaced(words_in(record.private.get(PRIVATE)), "an engineer");
            }
        }
        Ok(())
    }

    fn markdown(&self, pick: usize) -> Check<Option<(String, String)>> {
        let files: Vec<_> = self.files()?.into_iter().filter(|(path, _)| path != JSON && path != SETTINGS).collect();
        Ok((!files.is_empty()).then(|| files[pick % files.len()].clone()))
    }

    pub(super) fn engineer(&mut self, step: Step) -> Check {
        let Step { what, a, b, c } = step;
        let folder = ["skills", "customers", "documents"][a % 3];
        let free = format!("{folder}/name-{}.md", b % 5);
        let is_free = !self.files()?.contains_key(&free);
        match what {
            What::Add if a % 4 == 3 => {
                let word = self.ledger.word('g');
                self.edit_json(b, |entries, key| {
                    entries.entry(key).or_insert_with(|| json!({"name": "Named", "f0": word}));
                })
            }
            What::Add if is_free => self.add(&free, b, c),
            What::EditField if a % 4 == 3 => {
                let word = self.ledger.word('g');
                let field = format!("f{}", c % 2);
                self.edit_json(b, |entries, key| {
                    if let Some(Value::Object(entry)) = entries.get_mut(&key) {
                        entry.insert(field, word.into());
                    }
                })
            }
            What::EditField if c % 5 == 3 => self.edit_unique(a, b),
            What::EditField => {
                let Some((path, text)) = self.markdown(b)? else { return Ok(()) };
                let word = self.ledger.word('g');
                self.push(&[put(&path, &with_field(&text, &format!("f{}", c % 2), &word))])
            }
            What::EditBody => {
                let Some((path, text)) = self.markdown(b)? else { return Ok(()) };
                let word = self.ledger.word('g');
                let text = match c % 3 {
                    0 => format!("{text}More {word}\n"),
                    1 => with_body(&text, &format!("Other {word}\n")),
                    _ => with_body(&text, &format!("First {word}\n\n{}", text.rsplit("---\n").next().unwrap_or_default())),
                };
                self.push(&[put(&path, &text)])
            }
            What::Move => {
                let Some((path, text)) = self.markdown(c)?.filter(|_| is_free) else { return Ok(()) };
                let to = if a % 2 == 0 { free } else { format!("{}/name-{}.md", path.split('/').next().unwrap_or_default(), b % 5) };
                if to == path || self.files()?.contains_key(&to) { Ok(()) } else { self.push(&[remove(&path), put(&to, &text)]) }
            }
            What::Swap => self.swap(step),
            What::Remove if a % 4 == 3 => self.edit_json(b, |entries, key| {
                entries.shift_remove(&key);
            }),
            What::Remove => {
                let Some((path, _)) = self.markdown(b)? else { return Ok(()) };
                self.push(&[remove(&path)])
            }
            What::Copy => {
                let Some((_, text)) = self.markdown(c)?.filter(|_| is_free) else { return Ok(()) };
                self.push(&[put(&free, &text)])
            }
            What::Break => {
                let files: Vec<_> = self.files()?.into_iter().filter(|(path, _)| path != SETTINGS).collect();
                let Some((path, text)) = files.get(a % files.len().max(1)).filter(|(_, text)| !is_broken(text)) else { return Ok(()) };
                self.push(&[put(path, &broken(path, text, self.with_private && c % 2 == 0))])
            }
            What::Mend => self.mend(),
            What::Revert => self.revert(),
            What::Rewind => self.rewind(a % 3),
            _ => Ok(()),
        }
    }

    pub(super) fn begin_with_files(&mut self) -> Check {
        for (number, path) in ["skills/name-0.md", "customers/name-1.md", "customers/name-2.md", "documents/name-3.md"].iter().enumerate() {
            self.add(path, number, number + 1)?;
        }
        Ok(())
    }

    fn add(&mut self, path: &str, name: usize, c: usize) -> Check {
        let (note, field, body) = (self.ledger.word('g'), self.ledger.word('g'), self.ledger.word('g'));
        let id = if path.starts_with("documents/") || c.is_multiple_of(5) { String::new() } else { format!("id: id{}\n", c % 6) };
        let title = if path.starts_with("customers/") { "name" } else { "title" };
        let text = format!("---\n{id}{title}: Name {}\n# {note}\nf0: {field}\n---\nBody {body}\n", name % 5);
        self.push(&[put(path, &text)])
    }

    fn edit_unique(&mut self, value: usize, pick: usize) -> Check {
        let files: Vec<_> = self.files()?.into_iter().filter(|(path, _)| path.starts_with("customers/")).collect();
        let Some((path, text)) = files.get(pick % files.len().max(1)) else { return Ok(()) };
        self.push(&[put(path, &with_field(text, UNIQUE, &format!("v{}", value % 3)))])
    }

    fn swap(&mut self, Step { a, b, c, .. }: Step) -> Check {
        let (Some(one), Some(two)) = (self.markdown(a)?, self.markdown(b)?) else { return Ok(()) };
        if one.0 == two.0 || one.0.split('/').next() != two.0.split('/').next() {
            return Ok(());
        }
        let edits = [put(&one.0, &two.1), put(&two.0, &one.1)];
        // A move onto the other's place, which loses the other.
        let over = [remove(&one.0), put(&two.0, &one.1)];
        self.push(if c % 3 == 0 { &over } else { &edits })
    }

    fn edit_json(&mut self, pick: usize, edit: impl FnOnce(&mut Map<String, Value>, String)) -> Check {
        let text = self.files()?.get(JSON).cloned().unwrap_or_else(|| "{}".to_owned());
        let Ok(Value::Object(mut entries)) = serde_json::from_str(&text) else { return Ok(()) };
        edit(&mut entries, format!("entry-{}", pick % 3));
        self.push(&[put(JSON, &format!("{:#}\n", Value::Object(entries)))])
    }

    pub(super) fn mend(&mut self) -> Check {
        let broken = self.files()?.into_iter().filter(|(_, text)| is_broken(text));
        let edits: Vec<TreeEdit> = broken.map(|(path, text)| put(&path, &mended(&text))).collect();
        self.push(&edits)
    }

    fn revert(&mut self) -> Check {
        let Some(head) = run(self.stage.git.head())? else { return Ok(()) };
        let Some(parent) = run(self.stage.git.commit(&head))?.parents.first().cloned() else { return Ok(()) };
        let (old, new) = (sight::files_at(&self.stage, &parent)?, sight::files_at(&self.stage, &head)?);
        let mut edits: Vec<TreeEdit> = new.keys().filter(|path| !old.contains_key(*path)).map(|path| remove(path)).collect();
        edits.extend(old.iter().filter(|(path, text)| new.get(*path) != Some(text)).map(|(path, text)| put(path, text)));
        self.push(&edits)
    }

    fn rewind(&mut self, further: usize) -> Check {
        let mut at = run(self.stage.git.head())?;
        for _ in 0..=further {
            if let Some(commit) = at {
                at = run(self.stage.git.commit(&commit))?.parents.first().cloned();
            }
        }
        let Some(tip) = at else { return Ok(()) };
        let before = self.files()?;
        self.stage.force(Some(&tip));
        self.pushed(&before)
    }
}
