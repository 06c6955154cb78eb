//! The page of results: what was promised, what was measured, on what. Ratios are against the library in the same
//! race, so they hold on a machine that is slower or busier.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::figures::{Figures, shown};
use super::jobs::Board;
use super::results::{Race, Results};
use super::side::Side;
use super::targets::{self, Sizes, megabytes};

/// What is said beside the figures.
pub(crate) struct Notes {
    pub(crate) command: String,
    pub(crate) date: String,
    pub(crate) seed: u64,
    pub(crate) machine: String,
    pub(crate) load: (String, String),
    pub(crate) versions: BTreeMap<String, String>,
}

/// The page, as Markdown.
pub(crate) fn page(results: &Results, sizes: Sizes, notes: &Notes) -> String {
    let mut page = format!(
        "# Results\n\nWritten by `{}` on {}; not edited by hand.\n\n- Machine: {}\n- Load average (1, 5, 15 minutes): before {}, after {}\n- Seed: {}; entities of 3 KB, at most 1,000 files a folder\n",
        notes.command, notes.date, notes.machine, notes.load.0, notes.load.1, notes.seed
    );
    let versions: Vec<String> = notes.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ = write!(page, "- Versions: {}\n\n", versions.join(", "));
    page.push_str(METHOD);
    page.push_str("\n## Targets\n\n| what | wanted | measured | |\n| --- | --- | ---: | --- |\n");
    for target in targets::all(results, sizes) {
        let (measured, met) = match target.measured {
            Some((measured, true)) => (measured, "met"),
            Some((measured, false)) => (measured, "**missed**"),
            None => ("-".to_owned(), "not measured"),
        };
        let _ = writeln!(page, "| {} | {} | {measured} | {met} |", target.what, target.wanted);
    }
    page.push_str(&tables(results));
    page
}

/// The tables alone.
pub(crate) fn tables(results: &Results) -> String {
    let mut text = String::new();
    for ((race, size), board) in &results.races {
        let _ = write!(text, "\n## {}\n\n", title(*race, *size));
        table(&mut text, *race, board);
    }
    if !results.limits.is_empty() {
        text.push_str("\n## Limits\n\nWhat the parts take alone, with nobody's logic around them.\n\n| what | runs | median | min | max |\n| --- | ---: | ---: | ---: | ---: |\n");
        for (what, figures) in &results.limits {
            let _ = writeln!(text, "| {what} |{}", times(figures));
        }
    }
    text
}

fn title(race: Race, size: usize) -> String {
    match race {
        Race::Initial => format!("First synchronisation of {size} entities"),
        Race::Chains => format!("First synchronisation of {size} entities, packed as differences up to 50 in a row"),
        Race::Noop => format!("Nothing to do, {size} entities"),
        Race::Small => format!("1% of {size} entities changed in one commit"),
        Race::Save => format!("One durable save among {size} entities"),
        Race::Cost => format!("What the journal costs: one durable save among {size} entities"),
        Race::ExportOne => format!("Export of {size} rows in one commit"),
        Race::ExportEach => format!("Export of {size} rows, one commit each"),
        Race::Decode => format!("Frontmatter of {size} generated files, processor time for each"),
        Race::DecodeCorpus => format!("Frontmatter of {size} files that other people wrote, processor time for each"),
    }
}

fn table(text: &mut String, race: Race, board: &Board) {
    text.push_str("| side | runs | median | min | max | against lorebase | processor | memory |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    let ours = board.get(&Side::Ours).map_or(f64::NAN, Figures::median);
    for (side, figures) in board {
        let name = match (race, side) {
            (Race::Save | Race::ExportEach, side) => side.plain_name(),
            (Race::Decode | Race::DecodeCorpus, Side::Python) => "python-frontmatter",
            (_, side) => side.name(),
        };
        let ratio = figures.median() / ours;
        let ratio = if ratio.is_nan() { "-".to_owned() } else { format!("{ratio:.2}x") };
        let _ = writeln!(text, "| {name} |{} {ratio} | {} | {} |", times(figures), shown(figures.processor()), megabytes(figures.memory));
    }
}

fn times(figures: &Figures) -> String {
    format!(" {} | {} | {} | {} |", figures.count(), shown(figures.median()), shown(figures.min()), shown(figures.max()))
}

const METHOD: &str = "\
Every side runs in a process of its own and takes the time inside it, so starting a process or loading packages costs
nobody anything. The sides take turns (A B C A B C), and the disk is flushed before each turn. Before anything is timed all
jobs are done once at 1,000 entities, and after every timed turn what the side left is compared with what the generator meant: all
rows field by field (fields as JSON, text byte for byte, blob, commit, revision), the commits (number, author, paths), and
the files, read by git and by a YAML parser that no side uses. A difference ends the run.

- All databases are SQLite with a write-ahead log and `synchronous=FULL`; all repositories have `core.fsync=all`,
  `core.fsyncMethod=fsync` and no automatic housekeeping. The library flushes its objects, the branch and the database by itself.
- **lorebase** is `lorebase_backends::open` and the methods of a knowledge base. Beside what the others do it keeps the
  bytes of old versions, a log, and a full-text index; *without its full-text index* has the triggers of the index removed.
  Its process has the allocator that the command has (mimalloc).
- **TypeScript, batched** reads all contents from one `git cat-file --batch` and writes one transaction with prepared
  statements. **TypeScript, row by row** reads each file from a work tree and commits each row. Both use gray-matter (called
  with options, so that it remembers no texts), simple-git and better-sqlite3.
- **Python** is python-frontmatter (with libyaml), GitPython (whose `git cat-file --batch` reads, and whose `repo.git` commits, because
  its own writer of objects does not wait for the disk) and sqlite3, in one transaction.
- **gix and SQLite alone** is the least that a save could be: in the same process a blob, its folders and a commit written
  with gix, the branch moved, and one transaction of the row and its words in the library's own tables; objects, branch and
  database flushed as git does with `core.fsync=all` and SQLite with `synchronous=FULL`. It has no journal (a crash between
  the two leaves them unequal), no lease, no log, no old versions, and flushes no folders. `git fsck` accepts what it leaves.
- Saves and exports of the peers go through a work tree, because simple-git and GitPython commit from one. The library is
  shown on a work tree too, which is the same work, and on a bare repository, which is how a server has it. Peers render frontmatter anew in
  their library's style, so their trees differ from ours in bytes; what the files say is equal. An export of the peers marks its rows
  in one transaction at the end. With `core.fsyncMethod=batch` git flushes many new objects at once, which file systems like ext4
  make as durable.
- Processor time is that of the whole process and of the git processes it waited for, in hundredths of a second, starting and loading
  included: it says less about what a caller waits for, and holds on a busy machine too.
- Repositories are one pack of contents as a whole, which is what `git gc` makes of these texts too; one race is run on the
  chains of differences that `git fast-import` leaves.
- Frontmatter is read in one process after the other, all files in turn, and only the processor time of that is counted. **lorebase** does
  what a synchronisation does with a file: values, identity, title, status, and its bytes in two parts. gray-matter is called with
  `{}`, so that it remembers no texts; js-yaml and yaml are given the text between the fences alone. Files for which a side finds
  another number of fields, or none, are left out. *One field set* adds a field to the bytes of the frontmatter, reads the result and compares.
- Memory is the highest anonymous memory of the side's process, sampled every 5 ms (git processes of the peers not counted). Ratios
  are against the first row of a table.
";
