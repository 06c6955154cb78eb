//! A person who works with files and the `git` program while the library works: pushes to a bare repository from a
//! clone, or edits and commits in the checkout itself. Whatever git refuses at the moment is tried again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::random::Random;
use super::scratch::{HOT, SLOTS, Scratch, is, try_git};

/// How often git is asked again in one turn.
const TRIES: u32 = 8;

#[derive(Debug)]
struct Engineer {
    random: Random,
    folder: PathBuf,
    repository: PathBuf,
    bare: bool,
    number: u32,
    /// Turns in which every push lost its race.
    lost: u32,
    /// Paths that are edited and not committed yet.
    open: Vec<String>,
}

/// The engineer on a thread of their own.
#[derive(Debug)]
pub(crate) struct AtWork {
    engineer: Arc<Mutex<Engineer>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A look that found something wrong is no reason to say less.
fn held(engineer: &Mutex<Engineer>) -> MutexGuard<'_, Engineer> {
    engineer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AtWork {
    pub(crate) fn on(scratch: &Scratch, seed: u64) -> Self {
        let folder = if scratch.bare { scratch.clone_folder() } else { scratch.repository() };
        let random = Random::new(seed);
        let engineer = Arc::new(Mutex::new(Engineer {
            random,
            folder,
            repository: scratch.repository(),
            bare: scratch.bare,
            number: 0,
            lost: 0,
            open: Vec::new(),
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (engineer, stop) = (Arc::clone(&engineer), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    let pause = {
                        let mut engineer = held(&engineer);
                        engineer.turn();
                        20 + engineer.random.below(180)
                    };
                    std::thread::park_timeout(Duration::from_millis(pause));
                }
            }
        });
        Self { engineer, stop, thread: Some(thread) }
    }

    /// Holds the engineer while `look` runs. It gets a call that commits what the engineer has begun, which must
    /// succeed: nobody else is at work.
    pub(crate) fn paused<T>(&self, look: impl FnOnce(&mut dyn FnMut()) -> T) -> T {
        let mut engineer = held(&self.engineer);
        look(&mut || assert!(engineer.finish(), "git refuses a commit though nobody else is at work: {:?}", engineer.open))
    }

    /// Sends the engineer home.
    pub(crate) fn leave(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().unwrap();
        thread.thread().unpark();
        thread.join().unwrap();
        println!("the engineer lost {} turns to others who were faster", held(&self.engineer).lost);
    }
}

impl Engineer {
    fn turn(&mut self) {
        if !self.finish() {
            return;
        }
        // Git's own housekeeping moves objects and refs into packs; where it finds a lock it gives way.
        match self.random.below(40) {
            0 => drop(try_git(&self.repository, &["gc", "-q"])),
            1 => drop(try_git(&self.repository, &["pack-refs", "--all"])),
            _ => {}
        }
        if self.bare {
            // A push that lost a race begins anew, on what others pushed.
            let pushed = (0..TRIES).any(|_| {
                // Git's own housekeeping may hold a lock of the clone for a moment.
                let done = |arguments: &[&str]| try_git(&self.folder, arguments).status.success();
                if !(done(&["fetch", "-q", "origin", "main"]) && done(&["reset", "-q", "--hard", "FETCH_HEAD"])) {
                    return false;
                }
                self.change();
                let committed = self.commit();
                self.open.clear();
                committed && try_git(&self.folder, &["push", "-q", "origin", "HEAD:main"]).status.success()
            });
            self.lost += u32::from(!pushed);
            self.open.clear();
        } else {
            self.change();
            self.finish();
        }
    }

    /// Commits what is open; `false` when git does not let us now.
    fn finish(&mut self) -> bool {
        for _ in 0..TRIES {
            if self.open.is_empty() || self.commit() {
                self.open.clear();
                return true;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        false
    }

    fn commit(&self) -> bool {
        let on = |command: &[&str], paths: &[&str]| try_git(&self.folder, &[command, &["--"], paths].concat());
        let listed = |command: &[&str], path: &str| !on(command, &[path]).stdout.is_empty();
        let open = || self.open.iter().map(String::as_str);
        let staged: Vec<&str> = open().filter(|path| self.folder.join(path).exists() || listed(&["ls-files"], path)).collect();
        // A deletion that is staged already is known to the last commit only.
        let known: Vec<&str> = open().filter(|path| staged.contains(path) || listed(&["ls-tree", "HEAD"], path)).collect();
        if known.is_empty() {
            return true;
        }
        if !staged.is_empty() && !on(&["add", "-A"], &staged).status.success() {
            return false;
        }
        if on(&["commit", "-q", "-m", &format!("Work {}", self.number)], &known).status.success() {
            return true;
        }
        let status = on(&["status", "--porcelain"], &known);
        status.status.success() && status.stdout.is_empty()
    }

    /// Edits, adds, renames or deletes a file.
    fn change(&mut self) {
        self.number += 1;
        let token = format!("e{}x0z", self.number);
        let mut files = below(&self.folder, "customers");
        files.extend(below(&self.folder, "skills"));
        files.retain(|path| !path.ends_with("broken.md"));
        // Half of the work is on what the others work on as well.
        let text = |path: &String| std::fs::read_to_string(self.folder.join(path)).unwrap_or_default();
        let hot: Vec<String> =
            files.iter().filter(|path| HOT.iter().any(|id| text(path).contains(&format!("id: {id}\n")))).cloned().collect();
        let among = if self.random.below(2) == 0 && !hot.is_empty() { &hot } else { &files };
        let Some(path) = self.random.pick(among).cloned() else { return };
        let text = text(&path);
        if text.contains("\nSlot 0 ") {
            return self.change_hot(&path, &text, &token);
        }
        match self.random.below(20) {
            0 | 1 => {
                let id = if self.number.is_multiple_of(2) { format!("id: c-e{}\n", self.number) } else { String::new() };
                let text = format!("---\n{id}name: Pushed {token}\nregion: none\ntier: none\n---\n# Pushed\n\nText none\n");
                self.write(&format!("customers/pushed-{}.md", self.number), &text);
            }
            2 if files.len() > 8 => self.remove(&path),
            // Moved without an id it would be known by another one, and the ledger knows nothing of that.
            3 if text.contains("\nid: ") => {
                let folder = path.split('/').next().unwrap();
                let new = format!("{folder}/moved-{}.md", self.number);
                self.write(&new, &text);
                self.remove(&path);
            }
            4 | 5 => {
                let path = "categories/metadata.json";
                if let Ok(text) = std::fs::read_to_string(self.folder.join(path)) {
                    self.write(path, &replace_line(&text, "\"region\": ", &format!("\"region\": \"{token}\""), &mut self.random.clone()));
                }
            }
            6..10 => self.write(&path, &replace_line(&text, "Text ", &format!("Text {token}"), &mut self.random.clone())),
            other => {
                let field = ["region", "tier", "note"][usize::try_from(other % 3).unwrap()];
                self.write(&path, &replace_line(&text, &format!("{field}: "), &format!("{field}: {token}"), &mut self.random.clone()));
            }
        }
    }

    /// Where a crowd works, mostly a field of one's own; sometimes what others work on.
    fn change_hot(&mut self, path: &str, text: &str, token: &str) {
        let slot = format!("Slot {} ", self.random.below(SLOTS));
        let (key, line) = match self.random.below(10) {
            0..3 => (slot.as_str(), format!("{slot}{token}")),
            3 => ("tier: ", format!("tier: {token}")),
            4 => ("region: ", format!("region: {token}")),
            _ => ("note: ", format!("note: {token}")),
        };
        self.write(path, &replace_line(text, key, &line, &mut self.random.clone()));
    }

    /// As editors save: beside it, then in its place.
    fn write(&mut self, path: &str, text: &str) {
        let full = self.folder.join(path);
        let beside = full.with_extension("editor~");
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, &full).unwrap();
        self.open.push(path.to_owned());
    }

    fn remove(&mut self, path: &str) {
        let _ = std::fs::remove_file(self.folder.join(path));
        self.open.push(path.to_owned());
    }
}

/// The Markdown files of a folder, in order.
fn below(root: &Path, folder: &str) -> Vec<String> {
    let names = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut files: Vec<String> = names.filter(|name| is(name, "md")).map(|name| format!("{folder}/{name}")).collect();
    files.sort();
    files
}

/// Replaces one of the lines that begin with `key` (after blanks), and keeps a comma at its end.
fn replace_line(text: &str, key: &str, line: &str, random: &mut Random) -> String {
    let at: Vec<usize> = text.lines().enumerate().filter(|(_, old)| old.trim_start().starts_with(key)).map(|(at, _)| at).collect();
    let Some(wanted) = random.pick(&at) else { return text.to_owned() };
    let changed = text.lines().enumerate().map(|(at, old)| {
        if at != *wanted {
            return format!("{old}\n");
        }
        let blanks = &old[..old.len() - old.trim_start().len()];
        let comma = if old.ends_with(',') { "," } else { "" };
        format!("{blanks}{line}{comma}\n")
    });
    changed.collect()
}
