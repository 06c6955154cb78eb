//! The judges see what they are there for: each fault, put into an otherwise good ledger or history, is told.

use lorebase::knowledge::SyncStatus;

use super::child::{Entity, Sight};
use super::history::History;
use super::ledger::{Intent, Line, What};
use super::{check, contested};

const ONE: &str = "00000000-0000-4000-8000-000000000001";
const TWO: &str = "00000000-0000-4000-8000-000000000002";

/// A ledger, what is seen and the history of two saves, the second made from a form that showed the first.
struct Story {
    lines: Vec<Line>,
    sight: Sight,
    history: History,
}

fn intent(number: &str, token: &str, seen: Option<&str>) -> Line {
    let values = vec![("region".to_owned(), token.to_owned())];
    let (kind, id) = ("customer".to_owned(), "h-1".to_owned());
    Line::Intent(Intent { number: number.to_owned(), what: What::Edit, kind, id, values, seen: seen.map(str::to_owned) })
}

fn acknowledged(number: &str, operation: &str) -> Line {
    let (status, operation) = ("Synced".to_owned(), Some(operation.to_owned()));
    Line::Acknowledged { number: number.to_owned(), revision: 2, status, operation, attempts: 1, microseconds: 1000 }
}

fn patch(from: &str, to: &str) -> String {
    format!("--- a/h\n+++ b/h\n-region: {from}\n+region: {to}\n")
}

fn message(operation: &str) -> String {
    format!("Update\n\nLorebase-Operation: {operation}\n")
}

fn sight(token: &str) -> Sight {
    let values = vec![("region".to_owned(), format!("\"{token}\""))];
    let entity = Entity { kind: "customer".to_owned(), id: "h-1".to_owned(), status: SyncStatus::Synced, values };
    Sight { entities: vec![entity], ..Sight::default() }
}

impl Story {
    fn good() -> Self {
        let mut history = History::default();
        history.commit("a", true, "Begin", "+++ b/h\n+id: h-1\n+region: e0x1z\n");
        history.commit("b", false, &message(ONE), &patch("e0x1z", "t1x1z"));
        history.commit("c", false, &message(TWO), &patch("t1x1z", "t1x2z"));
        let lines =
            vec![intent("1", "t1x1z", Some("e0x1z")), acknowledged("1", ONE), intent("2", "t1x2z", Some("t1x1z")), acknowledged("2", TWO)];
        Self { lines, sight: sight("t1x2z"), history }
    }

    /// What both judges say, with the numbers of lost saves and of stale acknowledgements.
    fn judged(&self) -> (Vec<String>, [usize; 2], [u64; 2]) {
        let (figures, mut wrong) = check::judge(&self.lines, &self.sight, &self.history);
        let (contended, more) = contested::judge(&self.lines, &self.sight, &self.history);
        wrong.extend(more);
        (wrong, [figures.lost, figures.stale], [contended.lost, contended.stale])
    }

    fn is_told(&self, says: &str) {
        let (wrong, ..) = self.judged();
        assert!(wrong.iter().any(|fault| fault.contains(says)), "`{says}` is not told in {wrong:#?}");
    }
}

#[test]
fn a_good_story_is_good() {
    assert_eq!(Story::good().judged(), (Vec::new(), [0, 0], [0, 0]));
}

#[test]
fn a_lost_save_is_seen_by_both() {
    let mut story = Story::good();
    story.sight = sight("t1x1z");
    story.history = History::default();
    story.history.commit("a", true, "Begin", "+++ b/h\n+id: h-1\n+region: e0x1z\n");
    story.history.commit("b", false, &message(ONE), &patch("e0x1z", "t1x1z"));
    let (wrong, [lost, _], [contended, _]) = story.judged();
    assert_eq!((lost, contended > 0), (1, true), "{wrong:#?}");
    story.is_told("`t1x2z` saved as region of customer h-1 is lost");
    story.is_told("operation 00000000-0000-4000-8000-000000000002 is not in git");
    story.is_told("region of h-1: `t1x2z` is lost");
}

#[test]
fn a_save_that_a_later_one_reverted_without_having_seen_it_is_lost() {
    let mut story = Story::good();
    story.lines[2] = intent("2", "t1x2z", Some("e0x1z"));
    story.is_told("two forms replaced `e0x1z`");
    story.is_told("`t1x1z` is lost");
}

#[test]
fn an_operation_that_is_in_git_twice_is_seen_by_both() {
    let mut story = Story::good();
    story.history.commit("d", false, &message(ONE), "+++ b/h\n");
    let (wrong, ..) = story.judged();
    assert_eq!(wrong.iter().filter(|fault| fault.contains("is in git twice, again in d")).count(), 2, "{wrong:#?}");
}

#[test]
fn an_acknowledgement_of_a_commit_that_is_nowhere_is_stale_for_both() {
    let mut story = Story::good();
    story.sight.done.push((ONE.to_owned(), "elsewhere".to_owned()));
    let (wrong, [_, stale], [_, contended]) = story.judged();
    assert_eq!((stale, contended), (1, 1), "{wrong:#?}");
}

#[test]
fn a_save_called_synced_that_is_not_in_git_is_stale() {
    let mut story = Story::good();
    story.lines[3] = acknowledged("2", "00000000-0000-4000-8000-00000000000f");
    let (wrong, _, [_, stale]) = story.judged();
    assert_eq!(stale, 1, "{wrong:#?}");
}

#[test]
fn what_comes_back_after_its_deletion_is_seen() {
    let mut story = Story::good();
    let delete = Intent {
        number: "3".to_owned(),
        what: What::Delete,
        kind: "customer".to_owned(),
        id: "h-1".to_owned(),
        values: Vec::new(),
        seen: None,
    };
    story.lines.extend([Line::Intent(delete), acknowledged("3", "00000000-0000-4000-8000-000000000003")]);
    story.is_told("customer h-1 was deleted and is there again");
}

#[test]
fn differences_damage_waiting_and_failures_are_seen_by_both() {
    let mut story = Story::good();
    story.sight.drift = Some("a row".to_owned());
    story.sight.unsound = vec!["a page".to_owned()];
    story.sight.forgotten = vec!["a log row".to_owned()];
    story.sight.entities[0].status = SyncStatus::Pending;
    story.lines.push(Line::Failed { number: "4".to_owned(), why: "no reason".to_owned() });
    let (wrong, ..) = story.judged();
    for says in [
        "SQL and git differ",
        "the database is not sound",
        "the log calls a save waiting",
        "Pending after a synchronisation",
        "save 4 failed",
    ] {
        assert_eq!(wrong.iter().filter(|fault| fault.contains(says)).count(), 2, "{says} in {wrong:#?}");
    }
}

#[test]
fn a_file_without_an_id_that_was_deleted_under_its_next_id_is_no_loss() {
    let mut story = Story::good();
    story.sight.entities.clear();
    story.history.commit(
        "d",
        false,
        &message("00000000-0000-4000-8000-000000000003"),
        "--- a/h\n+++ /dev/null\n-id: h-1\n-region: t1x2z\n",
    );
    story.is_told("`t1x2z` saved as region of customer h-1 is lost");
    let delete = Intent {
        number: "3".to_owned(),
        what: What::Delete,
        kind: "customer".to_owned(),
        id: "h-2".to_owned(),
        values: Vec::new(),
        seen: Some("Acme {\"region\":\"t1x2z\"}".to_owned()),
    };
    story.lines.extend([Line::Intent(delete), acknowledged("3", "00000000-0000-4000-8000-000000000003")]);
    let (_, [lost, _], _) = story.judged();
    assert_eq!(lost, 0);
}
