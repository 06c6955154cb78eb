//! The command line of the benches.

use std::path::PathBuf;

use lorebase_benches::Outcome;

pub(crate) const USAGE: &str = "\
Usage: lorebase-benches [OPTIONS]          measure all sides; a complete run writes benches/RESULTS.md
       lorebase-benches generate [OPTIONS] write a repository and its rows: OUT/knowledge.git, OUT/rows.jsonl

  --only NAME[,NAME]  initial, chains, noop, small, save, cost, export-one, export-each,
                      large, codec, limits (a part; prints and writes nothing)
  --short             one run of everything with 1,000 entities, to see whether it works (writes nothing)
  --size N            entities [10000]
  --each N            entities where each is a commit of its own [1000]
  --large N           entities of the largest repository [100000]
  --corpus FOLDER     Markdown files of other people, whose frontmatter is read too
  --runs N            turns of each side [5]
  --seed N            what the entities are made from [20260101]
  --out PATH          another file for the results; for `generate` the folder
  --keep              leave the work folder (target/race) behind
";

/// The parts of a run.
pub(crate) const PARTS: [&str; 11] =
    ["initial", "chains", "noop", "small", "save", "cost", "export-one", "export-each", "large", "codec", "limits"];

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Args {
    pub(crate) generate: bool,
    pub(crate) only: Vec<String>,
    pub(crate) short: bool,
    pub(crate) size: usize,
    pub(crate) each: usize,
    pub(crate) large: usize,
    pub(crate) runs: usize,
    pub(crate) seed: u64,
    pub(crate) corpus: Option<PathBuf>,
    pub(crate) out: Option<PathBuf>,
    pub(crate) keep: bool,
}

impl Args {
    /// Whether a part is asked for.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }
}

pub(crate) fn parse(words: impl Iterator<Item = String>) -> Outcome<Args> {
    let mut args = Args {
        generate: false,
        only: Vec::new(),
        short: false,
        size: 10_000,
        each: 1_000,
        large: 100_000,
        runs: 5,
        seed: 20_260_101,
        corpus: None,
        out: None,
        keep: false,
    };
    let (mut sized, mut ran) = (false, false);
    let mut words = words;
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value\n\n{USAGE}"));
        match word.as_str() {
            "generate" => args.generate = true,
            "--short" => args.short = true,
            "--keep" => args.keep = true,
            "--only" => args.only.extend(value()?.split(',').map(str::to_owned)),
            "--size" => (args.size, sized) = (number(&value()?)?, true),
            "--each" => args.each = number(&value()?)?,
            "--large" => args.large = number(&value()?)?,
            "--runs" => (args.runs, ran) = (number(&value()?)?, true),
            "--seed" => args.seed = value()?.parse().map_err(|_| "the seed must be a number")?,
            "--corpus" => args.corpus = Some(value()?.into()),
            "--out" => args.out = Some(value()?.into()),
            _ => return Err(format!("`{word}` is not known\n\n{USAGE}").into()),
        }
    }
    if let Some(part) = args.only.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return Err(format!("there is no part `{part}`; the parts are {}", PARTS.join(", ")).into());
    }
    if args.short {
        (args.size, args.runs) = (if sized { args.size } else { 1000 }, if ran { args.runs } else { 1 });
        (args.each, args.large) = (args.each.min(50), args.large.min(3000));
    }
    Ok(args)
}

fn number(text: &str) -> Outcome<usize> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("`{text}` must be a number from 1").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Outcome<Args> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn parts_sizes_and_runs_can_be_chosen() {
        let args = parsed("--only initial,noop --size 500 --runs 7").unwrap();
        assert_eq!((args.size, args.runs), (500, 7));
        assert!(args.wants("initial") && args.wants("noop") && !args.wants("save"));
        assert!(parsed("").unwrap().wants("limits"));
    }

    #[test]
    fn the_short_form_is_one_run_of_few_entities_unless_more_is_asked_for() {
        let args = parsed("--short").unwrap();
        assert_eq!((args.size, args.runs, args.each, args.large), (1000, 1, 50, 3000));
        assert_eq!(parsed("--size 70 --short").unwrap().size, 70);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for line in ["--only everything", "--size", "--size 0", "--size ten", "--fast"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
