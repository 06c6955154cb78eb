//! What can happen, and three numbers that choose to whom and how. Pure.

use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) what: What,
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) c: usize,
}

/// The steps, and a number that chooses how it begins and ends.
pub(crate) type History = (Vec<Step>, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    // Forms.
    Create,
    Field,
    Body,
    Title,
    Slug,
    Workflow,
    Private,
    Refresh,
    Delete,
    Repeat,
    // Decisions.
    Resolve,
    Settle,
    // The engineer.
    Add,
    EditField,
    EditBody,
    Move,
    Swap,
    Remove,
    Copy,
    Break,
    Mend,
    Revert,
    Rewind,
    // The machine.
    Sync,
    Clock,
    Resume,
    Rest,
}

impl What {
    pub(crate) fn is_the_engineers(self) -> bool {
        use What::{Add, Break, Copy, EditBody, EditField, Mend, Move, Remove, Revert, Rewind, Swap};
        matches!(self, Add | EditField | EditBody | Move | Swap | Remove | Copy | Break | Mend | Revert | Rewind)
    }

    pub(crate) fn decides(self) -> bool {
        matches!(self, Self::Resolve | Self::Settle)
    }
}

pub(crate) fn histories(longest: usize) -> impl Strategy<Value = History> {
    (proptest::collection::vec(step(), 1..longest), 0..8_usize)
}

fn step() -> impl Strategy<Value = Step> {
    use What::{
        Add, Body, Break, Clock, Copy, Create, Delete, EditBody, EditField, Field, Mend, Move, Private, Refresh, Remove, Repeat, Resolve,
        Rest, Resume, Revert, Rewind, Settle, Slug, Swap, Sync, Title, Workflow,
    };
    let form = prop_oneof![
        6 => Just(Create), 10 => Just(Field), 6 => Just(Body), 4 => Just(Title), 3 => Just(Slug), 5 => Just(Workflow), 3 => Just(Private),
        6 => Just(Refresh), 3 => Just(Delete), 2 => Just(Repeat), 5 => Just(Resolve), 3 => Just(Settle),
    ];
    let engineer = prop_oneof![
        6 => Just(Add), 6 => Just(EditField), 3 => Just(EditBody), 4 => Just(Move), 3 => Just(Swap), 2 => Just(Remove), 2 => Just(Copy),
        2 => Just(Break), 2 => Just(Mend), 1 => Just(Revert), 1 => Just(Rewind),
    ];
    let machine = prop_oneof![14 => Just(Sync), 2 => Just(Clock), 2 => Just(Resume), 1 => Just(Rest)];
    let what = prop_oneof![55 => form, 32 => engineer, 19 => machine];
    (what, 0..1000_usize, 0..1000_usize, 0..1000_usize).prop_map(|(what, a, b, c)| Step { what, a, b, c })
}
