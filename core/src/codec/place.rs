//! Where a value of the fields stands in the text that they were read from. Asked only when something is wrong there,
//! so that the good path keeps no places.

use super::node::{Data, Node};

/// Where a value stands: its key (or itself, in a list) and the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) key: usize,
    pub(super) value: usize,
}

/// The place of the value that these steps (keys, and positions in lists) lead to. Where the document does not go that
/// far (behind an alias, or because the value is missing) it is the place of the last value that is there.
pub(super) fn place(root: &Node<'_>, steps: &[String]) -> Place {
    let mut place = Place { key: root.start, value: root.start };
    let mut node = root;
    for step in steps {
        match &node.data {
            Data::Map(entries, _) => {
                let Some(entry) = entries.iter().find(|entry| entry.key.text() == Some(step)) else { break };
                place.key = entry.key.start;
                node = &entry.value;
            }
            Data::Seq(items, _) => {
                let Some(item) = step.parse().ok().and_then(|index: usize| items.get(index)) else { break };
                place.key = item.start;
                node = item;
            }
            Data::Scalar(..) | Data::Alias(_) => break,
        }
        // Nothing is written behind the key: the key is what can be shown.
        place.value = if node.start == node.end { place.key } else { node.start };
    }
    place
}

/// The steps as a person writes them: `owners[0].email`.
pub(super) fn written(steps: &[String]) -> String {
    let mut text = String::new();
    for step in steps {
        if !text.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) && !step.is_empty() {
            text.push('[');
            text.push_str(step);
            text.push(']');
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.extend(step.escape_debug());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    #[test]
    fn a_value_is_found_in_mappings_and_lists_and_its_nearest_neighbour_where_it_is_missing() {
        let text = "a: 1\nowners:\n  - name: Ada\n    email: x\n  - &eve {name: Eve}\n  - *eve\nempty:\n";
        let tree = yaml::parse(text).unwrap().unwrap();
        let shown = |steps: &[&str]| {
            let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
            let place = place(&tree, &steps);
            (text[place.key..].lines().next().unwrap(), text[place.value..].lines().next().unwrap())
        };
        assert_eq!(shown(&["owners", "0", "email"]), ("email: x", "x"));
        assert_eq!(shown(&["owners", "1", "name"]), ("name: Eve}", "Eve}"));
        assert_eq!(shown(&["owners", "1"]).1, "{name: Eve}");
        assert_eq!(shown(&["owners", "2", "name"]).1, "*eve");
        assert_eq!(shown(&["owners", "9"]).0, "owners:");
        assert_eq!(shown(&["empty"]), ("empty:", "empty:"));
        assert_eq!(shown(&["b"]).0, "a: 1");
    }

    #[test]
    fn steps_are_written_as_people_write_them() {
        let steps = |steps: &[&str]| written(&steps.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>());
        assert_eq!(steps(&["owners", "0", "email"]), "owners[0].email");
        assert_eq!(steps(&["2024", "a\nb"]), "2024.a\\nb");
        assert_eq!(steps(&[]), "");
    }
}
