//! Everything that was measured in one run, by job and size.

use std::collections::BTreeMap;

use super::figures::Figures;
use super::jobs::Board;
use super::side::Side;

/// What a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Race {
    /// All files into an empty database.
    Initial,
    /// The same, most contents being differences to others.
    Chains,
    /// Nothing to do.
    Noop,
    /// One file in a hundred changed.
    Small,
    /// One save.
    Save,
    /// One save beside the least that it could be.
    Cost,
    /// A table into git, in one commit.
    ExportOne,
    /// A table into git, one commit for each row.
    ExportEach,
    /// Frontmatter read and edited, in processor time.
    Decode,
    /// The same with files that other people wrote.
    DecodeCorpus,
}

/// Races by kind and number of entities, and the limits.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) races: BTreeMap<(Race, usize), Board>,
    pub(crate) limits: Vec<(&'static str, Figures)>,
}

impl Results {
    pub(crate) fn figures(&self, race: Race, entities: usize, side: Side) -> Option<&Figures> {
        self.races.get(&(race, entities))?.get(&side)
    }

    pub(crate) fn median(&self, race: Race, entities: usize, side: Side) -> Option<f64> {
        self.figures(race, entities, side).map(Figures::median)
    }

    /// The median of a race that is run at one size.
    pub(crate) fn any(&self, race: Race, side: Side) -> Option<f64> {
        let (_, board) = self.races.iter().find(|((known, _), _)| *known == race)?;
        board.get(&side).map(Figures::median)
    }

    /// How many times longer one side takes than another.
    pub(crate) fn ratio(&self, race: Race, entities: usize, slow: Side, fast: Side) -> Option<f64> {
        Some(self.median(race, entities, slow)? / self.median(race, entities, fast)?)
    }
}
