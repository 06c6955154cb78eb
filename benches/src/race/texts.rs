//! Frontmatter alone: how much processor time the library and the readers of others take for a file. No disk, no
//! database; processor time, because that is all there is to it.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lorebase::codec::{FieldEdit, decode_file, edit_head};
use lorebase::knowledge::{Config, KnowledgePath};
use lorebase_benches::Outcome;
use lorebase_benches::entities::{Generator, Mix};
use rustix::time::{ClockId, clock_gettime};

use super::job::{Answer, Job};
use super::jobs::{Board, Track, decode_job};
use super::side::Side;

/// The style that edits instead of reading.
pub(crate) const EDIT: &str = "edit";

/// So many generated files are read.
const GENERATED: usize = 1000;
/// How often each process reads all of them.
const ROUNDS: usize = 20;

/// The sides of the race.
const SIDES: [Side; 6] = [Side::Ours, Side::OursEdit, Side::GrayMatter, Side::JsYaml, Side::Yaml, Side::Python];

impl Track<'_> {
    /// Texts of the generator. Returns how many, and the figures.
    pub(crate) fn generated(&mut self, folder: &Path, seed: u64) -> Outcome<(usize, Board)> {
        let texts: Vec<String> = Generator::new(seed, Mix::All).entities(GENERATED).map(|entity| entity.text()).collect();
        let (count, board) = self.texts(folder, &texts)?;
        if count != texts.len() {
            return Err(format!("only {count} of {} generated files are read alike by all", texts.len()).into());
        }
        Ok((count, board))
    }

    /// All Markdown files below `corpus` that begin with a fence.
    pub(crate) fn corpus(&mut self, folder: &Path, corpus: &Path) -> Outcome<(usize, Board)> {
        let mut files = Vec::new();
        markdown_below(corpus, &mut files)?;
        files.sort();
        let texts = files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).filter(|text| text.starts_with("---"));
        let texts: Vec<String> = texts.collect();
        let (count, board) = self.texts(folder, &texts)?;
        eprintln!("  {count} of {} files are read alike by all", texts.len());
        if texts.is_empty() || count * 10 < texts.len() * 9 {
            return Err(format!("only {count} of {} files of the corpus are read alike by all", texts.len()).into());
        }
        Ok((count, board))
    }

    fn texts(&mut self, folder: &Path, texts: &[String]) -> Outcome<(usize, Board)> {
        std::fs::create_dir_all(folder)?;
        let file = folder.join("texts.jsonl");
        write(&file, texts.iter())?;
        let mut alike: Vec<Option<i64>> = vec![None; texts.len()];
        for side in SIDES.into_iter().filter(|side| *side != Side::OursEdit) {
            let (answer, _) = side.run(self.peers, &decode_job(&file, 1))?;
            if answer.fields.len() != texts.len() {
                return Err(format!("{} read {} of {} files", side.name(), answer.fields.len(), texts.len()).into());
            }
            for (known, found) in alike.iter_mut().zip(answer.fields) {
                *known = Some(if known.is_none_or(|known| known == found) { found } else { -1 });
            }
        }
        let kept: Vec<&String> =
            texts.iter().zip(&alike).filter(|(_, found)| found.is_some_and(|found| found >= 1)).map(|(text, _)| text).collect();
        write(&file, kept.iter().copied())?;
        let mut board = Board::new();
        for _ in 0..self.runs {
            for side in SIDES {
                self.turn(side, &decode_job(&file, ROUNDS), &mut board)?;
            }
        }
        Ok((kept.len(), board))
    }
}

fn write<'t>(file: &Path, texts: impl Iterator<Item = &'t String>) -> Outcome<()> {
    let mut lines = String::new();
    for text in texts {
        lines.push_str(&serde_json::to_string(text)?);
        lines.push('\n');
    }
    Ok(std::fs::write(file, lines)?)
}

fn markdown_below(folder: &Path, found: &mut Vec<PathBuf>) -> Outcome<()> {
    for entry in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            markdown_below(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    Ok(())
}

/// The library's side: each time is that of one file, the mean over one round.
pub(crate) fn answer(job: &Job) -> Outcome<Answer> {
    let lines = std::io::BufReader::new(std::fs::File::open(job.rows.as_deref().ok_or("reading needs texts")?)?).lines();
    let texts: Vec<String> = lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect::<Outcome<_>>()?;
    let config = Config::built_in();
    let path = KnowledgePath::new("documents/text.md")?;
    let kind = config.classify(&path).ok_or("documents are no kind")?;
    let decode = |text: &String| decode_file(kind, &config.root, &path, text.as_bytes());
    let mut answer = Answer::default();
    let mut heads = Vec::with_capacity(texts.len());
    for text in &texts {
        let entity = decode(text).entities.pop();
        answer.fields.push(entity.as_ref().map_or(Ok(-1), |entity| i64::try_from(entity.content.fields.len()))?);
        heads.extend(entity.map(|entity| entity.content.head));
    }
    let edits = [FieldEdit::Set("reviewedBy".to_owned(), "Ada Lovelace".into())];
    for _ in 0..job.count {
        let start = processor_time();
        if job.style == EDIT {
            for head in &heads {
                std::hint::black_box(edit_head(kind.format, head, &edits)?);
            }
        } else {
            for text in &texts {
                std::hint::black_box(decode(text));
            }
        }
        let taken = processor_time().saturating_sub(start);
        answer.seconds.push(taken.as_secs_f64() / f64::from(u32::try_from(texts.len())?));
    }
    Ok(answer)
}

fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
