//! Merging two edits of one text by lines (diff3). Regions that only one side changed, or both alike, are merged; what
//! both changed differently, or changed right beside each other, is a hunk for a person. No marker ever gets into a
//! text. What conflicts is what `git merge-file` calls a conflict: same diff (Myers, changes slid down), and changes
//! that touch count as overlapping.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};
use serde::{Deserialize, Serialize};

use super::Side;

/// One stretch of lines that both sides changed differently. Line numbers count from 1 in the body and name where the
/// stretch begins; a side that has nothing there begins before that line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hunk {
    /// Where it begins in the base.
    pub base_line: u32,
    /// Where it begins in our body.
    pub cache_line: u32,
    /// Where it begins in git's body.
    pub git_line: u32,
    /// What both sides began with.
    pub base: String,
    /// Our lines.
    pub cache: String,
    /// Git's lines.
    pub git: String,
}

/// A stretch of a merged text.
#[derive(Debug)]
enum Region<'a> {
    /// Settled: these lines.
    Lines(&'a [&'a str]),
    /// Settled with our lines, which take the line ends of git's text.
    Ours(&'a [&'a str]),
    /// Both sides: base, ours, git's, by line numbers.
    Conflict { base: Range<usize>, ours: Range<usize>, theirs: Range<usize> },
}

/// Three versions of a text, as lines with their ends.
#[derive(Debug)]
pub(super) struct Texts<'a> {
    base: Vec<&'a str>,
    ours: Vec<&'a str>,
    theirs: Vec<&'a str>,
    line_end: &'static str,
}

impl<'a> Texts<'a> {
    pub(super) fn new(base: &'a str, ours: &'a str, theirs: &'a str) -> Self {
        let lines = |text: &'a str| text.split_inclusive('\n').collect::<Vec<_>>();
        let line_end = if theirs.split_inclusive('\n').filter(|line| line.ends_with("\r\n")).count() * 2 > theirs.matches('\n').count() {
            "\r\n"
        } else {
            "\n"
        };
        Self { base: lines(base), ours: lines(ours), theirs: lines(theirs), line_end }
    }

    /// The three versions merged as far as they can be.
    pub(super) fn merge(&'a self) -> TextMerge<'a> {
        let (ours, theirs) = (changes(&self.base, &self.ours), changes(&self.base, &self.theirs));
        let mut merge = TextMerge { texts: self, regions: Vec::new() };
        let (mut ours, mut theirs) = (ours.into_iter().peekable(), theirs.into_iter().peekable());
        // How far each side has moved against the base by everything before.
        let mut at = Offsets { ours: 0, theirs: 0, base: 0 };
        while let Some(start) = [ours.peek(), theirs.peek()].into_iter().flatten().map(|change| change.base.start).min() {
            let mut cluster = Cluster { base: start..start, grown: [0, 0], sides: [0, 0] };
            loop {
                if let Some(change) = ours.next_if(|change| change.base.start <= cluster.base.end) {
                    cluster.take(0, &change);
                } else if let Some(change) = theirs.next_if(|change| change.base.start <= cluster.base.end) {
                    cluster.take(1, &change);
                } else {
                    break;
                }
            }
            merge.lines(at.theirs_at(at.base)..at.theirs_at(start));
            let side = |offset: isize, grown: isize| place(start, offset)..place(cluster.base.end, offset + grown);
            merge.cluster(&cluster, side(at.ours, cluster.grown[0]), side(at.theirs, cluster.grown[1]));
            at = Offsets { ours: at.ours + cluster.grown[0], theirs: at.theirs + cluster.grown[1], base: cluster.base.end };
        }
        merge.lines(at.theirs_at(at.base)..self.theirs.len());
        merge
    }
}

/// Where both sides stand behind the last cluster.
struct Offsets {
    ours: isize,
    theirs: isize,
    base: usize,
}

impl Offsets {
    fn theirs_at(&self, base: usize) -> usize {
        place(base, self.theirs)
    }
}

fn place(base: usize, offset: isize) -> usize {
    base.saturating_add_signed(offset)
}

/// Changes of both sides that overlap or touch.
struct Cluster {
    base: Range<usize>,
    /// By how many lines each side grew here.
    grown: [isize; 2],
    /// How many changes each side made here.
    sides: [usize; 2],
}

impl Cluster {
    fn take(&mut self, side: usize, change: &Change) {
        self.base.end = self.base.end.max(change.base.end);
        self.grown[side] += change.side.len().cast_signed() - change.base.len().cast_signed();
        self.sides[side] += 1;
    }
}

/// A text merged as far as it can be.
#[derive(Debug)]
pub(super) struct TextMerge<'a> {
    texts: &'a Texts<'a>,
    regions: Vec<Region<'a>>,
}

impl TextMerge<'_> {
    fn lines(&mut self, theirs: Range<usize>) {
        if !theirs.is_empty() {
            self.regions.push(Region::Lines(&self.texts.theirs[theirs]));
        }
    }

    fn cluster(&mut self, cluster: &Cluster, mut ours: Range<usize>, mut theirs: Range<usize>) {
        let texts = self.texts;
        if cluster.sides[0] == 0 {
            return self.lines(theirs);
        }
        if cluster.sides[1] == 0 {
            return self.regions.push(Region::Ours(&texts.ours[ours]));
        }
        let same = |ours: usize, theirs: usize| content(texts.ours[ours]) == content(texts.theirs[theirs]);
        if ours.len() == theirs.len() && ours.clone().zip(theirs.clone()).all(|(ours, theirs)| same(ours, theirs)) {
            return self.lines(theirs);
        }
        // What both have alike at its ends is no part of the difference.
        let base = cluster.base.clone();
        let begin = theirs.start;
        while !ours.is_empty() && !theirs.is_empty() && same(ours.start, theirs.start) {
            ours.start += 1;
            theirs.start += 1;
        }
        let mut end = theirs.end;
        while !ours.is_empty() && !theirs.is_empty() && same(ours.end - 1, theirs.end - 1) {
            ours.end -= 1;
            theirs.end -= 1;
        }
        self.lines(begin..theirs.start);
        std::mem::swap(&mut end, &mut theirs.end);
        let tail = end..theirs.end;
        theirs.end = end;
        self.regions.push(Region::Conflict { base, ours, theirs });
        self.lines(tail);
    }

    /// What a person must decide, from top to bottom.
    pub(super) fn hunks(&self) -> Vec<Hunk> {
        let number = |line: usize| u32::try_from(line + 1).unwrap_or(u32::MAX);
        let conflict = |region: &Region<'_>| match region {
            Region::Conflict { base, ours, theirs } => Some(Hunk {
                base_line: number(base.start),
                cache_line: number(ours.start),
                git_line: number(theirs.start),
                base: self.texts.base[base.clone()].concat(),
                cache: self.texts.ours[ours.clone()].concat(),
                git: self.texts.theirs[theirs.clone()].concat(),
            }),
            Region::Lines(_) | Region::Ours(_) => None,
        };
        self.regions.iter().filter_map(conflict).collect()
    }

    /// The merged text; `choose` decides the hunk of that number (from 0). `None` when it leaves one open.
    pub(super) fn resolved(&self, choose: impl Fn(usize) -> Option<Side>) -> Option<String> {
        let mut text = String::new();
        let mut hunk = 0;
        for region in &self.regions {
            match region {
                Region::Lines(lines) => text.extend(lines.iter().copied()),
                Region::Ours(lines) => self.ours(&mut text, lines),
                Region::Conflict { ours, theirs, .. } => {
                    match choose(hunk)? {
                        Side::Cache => self.ours(&mut text, &self.texts.ours[ours.clone()]),
                        Side::Git => text.extend(self.texts.theirs[theirs.clone()].iter().copied()),
                    }
                    hunk += 1;
                }
            }
        }
        Some(text)
    }

    fn ours(&self, text: &mut String, lines: &[&str]) {
        for line in lines {
            text.push_str(content(line).0);
            if line.ends_with('\n') {
                text.push_str(self.texts.line_end);
            }
        }
    }
}

/// One change of one side: which lines of the base became which of its own.
struct Change {
    base: Range<usize>,
    side: Range<usize>,
}

/// What two lines are compared by: the text, and whether the line is ended, but not how.
fn content(line: &str) -> (&str, bool) {
    match line.strip_suffix('\n') {
        Some(ended) => (ended.strip_suffix('\r').unwrap_or(ended), true),
        None => (line, false),
    }
}

fn changes(base: &[&str], side: &[&str]) -> Vec<Change> {
    let mut input = InternedInput::default();
    input.update_before(base.iter().map(|line| content(line)));
    input.update_after(side.iter().map(|line| content(line)));
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_no_heuristic(&input);
    let range = |range: Range<u32>| range.start as usize..range.end as usize;
    diff.hunks().map(|hunk| Change { base: range(hunk.before), side: range(hunk.after) }).collect()
}
