//! Refreshes from external sources. Pure. A source has a base of its own in each entity: what it said last. So a refresh
//! changes only what the source changed, and where a person has edited the same the person's value stays, the
//! difference is kept and somebody decides.

use serde_json::Value;

use super::merge::{Choices, Side, merge_fields};
use super::patch::{apply_edits, edit_name};
use crate::clock::Timestamp;
use crate::codec::FieldEdit;
use crate::knowledge::{Fields, Kind};
use crate::store::SourceState;

/// What a refresh comes to.
#[derive(Debug, PartialEq)]
pub(crate) struct Refresh {
    /// What changes in the entity.
    pub(crate) edits: Vec<FieldEdit>,
    /// What the source has said now; `None` when it said nothing new.
    pub(crate) state: Option<SourceState>,
}

/// Merges what a source says now over what it said before with the entity's own fields.
pub(crate) fn refresh(kind: &Kind, edits: &[FieldEdit], before: Option<&SourceState>, current: &Fields, now: Timestamp) -> Refresh {
    let nothing = Fields::new();
    let base = before.map_or(&nothing, |state| &state.said);
    let mut said = base.clone();
    apply_edits(&mut said, edits);
    // What both keep is the entity's own.
    let merged = merge_fields(kind, base, &said, current, &Choices::all(Side::Git)).unwrap_or_default();
    let met = merge_fields(kind, base, &said, current, &Choices::default()).err().unwrap_or_default();
    let mut open: Vec<String> = before.map_or_else(Vec::new, |state| state.open.clone());
    for conflict in met {
        let field = top_level(&conflict.path, &said, base);
        if !open.contains(&field) {
            open.push(field);
        }
    }
    let mut after = current.clone();
    apply_edits(&mut after, &merged);
    open.retain(|field| after.get(field) != said.get(field));
    open.sort();
    let news = before.is_none_or(|state| state.said != said || state.open != open);
    Refresh { edits: merged, state: news.then_some(SourceState { said, open, at: now }) }
}

/// The field that a path goes into. A name may hold dots and brackets itself.
fn top_level(path: &str, said: &Fields, base: &Fields) -> String {
    let fits = |name: &&String| path.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    said.keys().chain(base.keys()).filter(fits).max_by_key(|name| name.len()).map_or_else(|| path.to_owned(), Clone::clone)
}

/// One field in which an entity differs from what a source said.
pub(crate) struct Difference {
    pub(crate) field: String,
    pub(crate) said: Option<Value>,
    pub(crate) current: Option<Value>,
    pub(crate) open: bool,
}

/// Where an entity differs from what a source said, in the source's order.
pub(crate) fn differences(state: &SourceState, current: &Fields) -> Vec<Difference> {
    // A field that the source took away is only of interest as long as nobody has decided about it.
    let taken_away = state.open.iter().filter(|field| !state.said.contains_key(*field));
    state
        .said
        .keys()
        .chain(taken_away)
        .filter(|field| state.said.get(*field) != current.get(*field))
        .map(|field| Difference {
            field: field.clone(),
            said: state.said.get(field).cloned(),
            current: current.get(field).cloned(),
            open: state.open.contains(field),
        })
        .collect()
}

/// The state after a person has decided about some fields (all where none is named).
pub(crate) fn decided(state: &SourceState, fields: &[String]) -> SourceState {
    let mut state = state.clone();
    state.open.retain(|field| !fields.is_empty() && !fields.contains(field));
    state
}

/// The edits that bring the source's values into the entity.
pub(crate) fn taking(state: &SourceState, current: &Fields, fields: &[String]) -> Vec<FieldEdit> {
    let wanted = differences(state, current).into_iter().filter(|difference| fields.is_empty() || fields.contains(&difference.field));
    wanted
        .map(|difference| match difference.said {
            Some(value) => FieldEdit::Set(difference.field, value),
            None => FieldEdit::Unset(difference.field),
        })
        .collect()
}

/// The edits of a refresh without the identity, which is no news.
pub(crate) fn without_id(edits: Vec<FieldEdit>) -> Vec<FieldEdit> {
    edits.into_iter().filter(|edit| edit_name(edit) != "id").collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::codec::parse_settings;
    use crate::knowledge::KindName;

    fn kind() -> Kind {
        let config = parse_settings("kinds:\n  customer:\n    lists: {tags: set, owners: {keyed: email}}\n").unwrap();
        config.kind(&KindName::from("customer")).unwrap().clone()
    }

    fn fields(value: Value) -> Fields {
        match value {
            Value::Object(fields) => fields,
            other => panic!("{other}"),
        }
    }

    fn said(value: Value) -> SourceState {
        SourceState { said: fields(value), open: Vec::new(), at: Timestamp::UNIX_EPOCH }
    }

    /// What the entity has afterwards, and what is open.
    fn run(before: Option<Value>, now: Value, current: Value) -> (Value, Vec<String>) {
        let edits: Vec<FieldEdit> = fields(now)
            .into_iter()
            .map(|(field, value)| if value == "(gone)" { FieldEdit::Unset(field) } else { FieldEdit::Set(field, value) })
            .collect();
        let before = before.map(said);
        let mut current = fields(current);
        let refresh = refresh(&kind(), &edits, before.as_ref(), &current, Timestamp::UNIX_EPOCH);
        apply_edits(&mut current, &refresh.edits);
        (Value::Object(current), refresh.state.map_or_else(Vec::new, |state| state.open))
    }

    #[test]
    fn a_refresh_changes_only_what_the_source_changed() {
        let (after, open) = run(
            Some(json!({"tier": "gold", "region": "north"})),
            json!({"tier": "silver", "region": "north"}),
            json!({"tier": "gold", "region": "by hand"}),
        );
        assert_eq!((after, open), (json!({"tier": "silver", "region": "by hand"}), vec![]));
    }

    #[test]
    fn where_it_meets_an_edit_of_a_person_the_person_keeps_it_and_is_asked() {
        let (after, open) = run(Some(json!({"tier": "gold"})), json!({"tier": "silver"}), json!({"tier": "platinum"}));
        assert_eq!((after, open), (json!({"tier": "platinum"}), vec!["tier".to_owned()]));
        let (after, open) = run(Some(json!({"tier": "gold"})), json!({"tier": "(gone)"}), json!({"tier": "platinum"}));
        assert_eq!((after, open), (json!({"tier": "platinum"}), vec!["tier".to_owned()]));
    }

    #[test]
    fn a_first_refresh_adds_and_never_overwrites() {
        let (after, open) = run(None, json!({"tier": "silver", "size": 7, "same": 1}), json!({"tier": "gold", "same": 1}));
        assert_eq!((after, open), (json!({"tier": "gold", "same": 1, "size": 7}), vec!["tier".to_owned()]));
    }

    #[test]
    fn lists_keep_what_people_added() {
        let before = json!({"tags": ["a"], "owners": [{"email": "x", "name": "X"}]});
        let now = json!({"tags": ["a", "b"], "owners": [{"email": "x", "name": "Xaver"}]});
        let current = json!({"tags": ["a", "mine"], "owners": [{"email": "x", "name": "X"}, {"email": "y", "name": "Y"}]});
        let (after, open) = run(Some(before), now, current);
        let expected = json!({"tags": ["a", "mine", "b"], "owners": [{"email": "x", "name": "Xaver"}, {"email": "y", "name": "Y"}]});
        assert_eq!((after, open), (expected, vec![]));
    }

    #[test]
    fn a_question_about_one_part_of_a_field_outlives_news_about_another() {
        let before = SourceState { open: vec!["billing".to_owned()], ..said(json!({"billing": {"city": "B", "zip": 1}})) };
        let current = fields(json!({"billing": {"city": "by hand", "zip": 1}}));
        let news = [FieldEdit::Set("billing".to_owned(), json!({"city": "B", "zip": 2}))];
        let refresh = refresh(&kind(), &news, Some(&before), &current, Timestamp::UNIX_EPOCH);
        assert_eq!(refresh.edits, [FieldEdit::Set("billing".to_owned(), json!({"city": "by hand", "zip": 2}))]);
        assert_eq!(refresh.state.unwrap().open, ["billing"]);
    }

    #[test]
    fn a_question_stays_open_until_somebody_decides_or_both_agree() {
        let open = SourceState { open: vec!["tier".to_owned()], ..said(json!({"tier": "silver"})) };
        let platinum = fields(json!({"tier": "platinum"}));
        let set = |tier: &str| [FieldEdit::Set("tier".to_owned(), tier.into())];
        let same = refresh(&kind(), &set("silver"), Some(&open), &platinum, Timestamp::UNIX_EPOCH);
        assert_eq!(same, Refresh { edits: vec![], state: None }, "said again, it is no news");
        let kept = decided(&open, &[]);
        assert!(kept.open.is_empty());
        let same = refresh(&kind(), &set("silver"), Some(&kept), &platinum, Timestamp::UNIX_EPOCH);
        assert_eq!(same.state, None, "and asks no more");
        let again = refresh(&kind(), &set("bronze"), Some(&kept), &platinum, Timestamp::UNIX_EPOCH);
        assert_eq!(again.state.unwrap().open, ["tier"], "a new change is a new question");
        let agreed = refresh(&kind(), &set("platinum"), Some(&open), &platinum, Timestamp::UNIX_EPOCH);
        assert!(agreed.state.unwrap().open.is_empty());
    }
}
