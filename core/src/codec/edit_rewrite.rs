//! A value of a YAML document written anew where another one stands, when it cannot change item by item or key by
//! key: what stays is the style of the place (quotes, block or flow, indent, the comment of the line), and a value
//! that holds more than its value says (anchors, aliases, tags, merge keys) is refused.

use serde_json::Value;

use super::edit_block::{Slot, YamlEdit, begins_line, blanks_before, refused};
use super::edit_merge::unwritable;
use super::node::{Data, Node, Shape, Style};
use super::splice::{Refusal, line_start, line_stop};
use super::write::is_inline;
use super::{quote, write};

impl YamlEdit<'_> {
    /// Writes a value anew where another one stands.
    pub(super) fn rewrite(&mut self, slot: &Slot, node: &Node<'_>, new: &Value) -> Result<(), Refusal> {
        if let Some(what) = unwritable(node) {
            return Err(refused(Some(what)));
        }
        match &node.data {
            Data::Scalar(_, Style::Empty) => self.fill(slot, new),
            Data::Scalar(_, Style::Block) => self.rewrite_block_scalar(slot, node, new)?,
            Data::Scalar(old, style) => {
                if is_inline(new) || slot.flow {
                    let text = if is_inline(new) { quote::scalar_like(new, *style, old, slot.flow) } else { write::flow(new) };
                    self.splices.replace(node.start..node.end, text);
                } else {
                    self.rewrite_line(slot, node, new);
                }
            }
            Data::Seq(_, Shape::Block) | Data::Map(_, Shape::Block) => self.rewrite_block(slot, node, new),
            Data::Seq(..) | Data::Map(..) => {
                let empty = matches!(&node.data, Data::Seq(items, _) if items.is_empty())
                    || matches!(&node.data, Data::Map(entries, _) if entries.is_empty());
                if slot.flow || is_inline(new) || !(empty && is_nested(new)) {
                    self.splices.replace(node.start..node.end, inline(new, slot.quotes, slot.flow));
                } else {
                    self.rewrite_line(slot, node, new);
                }
            }
            Data::Alias(_) => return Err(refused(Some("an alias"))),
        }
        Ok(())
    }

    /// Gives a value to a key or dash that has none.
    fn fill(&mut self, slot: &Slot, new: &Value) {
        if is_inline(new) || slot.flow {
            self.splices.insert(slot.after, format!(" {}", inline(new, slot.quotes, slot.flow)));
        } else if slot.dash {
            self.splices.insert(slot.after, format!(" {}", self.compact(new, &slot.indent)));
        } else {
            self.splices.insert(line_stop(self.text, slot.after), self.below(new, &slot.indent));
        }
    }

    /// A value on its key's line becomes a block.
    fn rewrite_line(&mut self, slot: &Slot, node: &Node<'_>, new: &Value) {
        if slot.dash {
            self.splices.replace(node.start..node.end, self.compact(new, &slot.indent));
            return;
        }
        let from = if self.text[slot.after..node.start].trim().is_empty() { slot.after } else { node.start };
        self.splices.remove(from..node.end);
        self.splices.insert(line_stop(self.text, node.end), self.below(new, &slot.indent));
    }

    /// A literal or folded text becomes another value; the comment of its first line stays.
    fn rewrite_block_scalar(&mut self, slot: &Slot, node: &Node<'_>, new: &Value) -> Result<(), Refusal> {
        let rest = &self.text[slot.after..];
        let header = slot.after + (rest.len() - rest.trim_start().len());
        if !self.text[header..].starts_with(['|', '>']) {
            return Err("the text block begins in an unusual place".to_owned());
        }
        let digits = self.text[header + 1..].bytes().take_while(|byte| matches!(byte, b'+' | b'-' | b'0'..=b'9')).count();
        let indicators = header..header + 1 + digits;
        let stop = line_stop(self.text, header);
        let content = stop..self.end_of(node).max(stop);
        if let Some((chomping, lines)) = new.as_str().and_then(|text| self.literal(text, slot, node)) {
            self.splices.replace(indicators, format!("|{chomping}"));
            self.splices.replace(content, lines);
        } else if is_inline(new) {
            self.splices.replace(indicators, inline(new, slot.quotes, false));
            self.splices.remove(content);
        } else if slot.dash {
            self.splices.replace(header..content.end, self.compact(new, &slot.indent));
        } else {
            self.splices.remove(slot.after..indicators.end);
            self.splices.replace(content, self.below(new, &slot.indent));
        }
        Ok(())
    }

    /// A text of several lines as the lines of a literal block, if it can be one.
    fn literal(&self, text: &str, slot: &Slot, node: &Node<'_>) -> Option<(&'static str, String)> {
        let body = text.trim_end_matches('\n');
        let chomping = match text.len() - body.len() {
            0 => "-",
            1 => "",
            _ => return None,
        };
        let plain = |c: char| {
            c == '\n' || !(c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'))
        };
        if !body.contains('\n') || body.starts_with([' ', '\n']) || !body.chars().all(plain) {
            return None;
        }
        let old = blanks_before(self.text, node.start);
        // The lines behind a dash may stand as far in as its other lines do.
        let begins = begins_line(self.text, node.start) && old.len() + usize::from(slot.dash) > slot.indent.len();
        let indent = if begins { old } else { format!("{}  ", slot.indent) };
        let mut lines = String::with_capacity(text.len() * 2);
        for line in body.split('\n') {
            lines.push_str(self.layout.line_end);
            if !line.is_empty() {
                lines.push_str(&indent);
                lines.push_str(line);
            }
        }
        Some((chomping, lines))
    }

    /// A list or mapping in block style becomes another value.
    fn rewrite_block(&mut self, slot: &Slot, node: &Node<'_>, new: &Value) {
        let end = self.end_of(node);
        let on_line = is_inline(new);
        if !self.text[slot.after..node.start].contains('\n') {
            let indent = blanks_before(self.text, node.start);
            let text = if on_line { inline(new, slot.quotes, false) } else { self.compact(new, &indent) };
            self.splices.replace(node.start..end, text);
        } else if on_line {
            self.splices.insert(slot.after, format!(" {}", inline(new, slot.quotes, false)));
            self.splices.remove(line_stop(self.text, slot.after)..line_stop(self.text, end));
        } else {
            let becomes_mapping = new.is_object() && matches!(node.data, Data::Seq(..));
            let indent = if becomes_mapping && !slot.dash {
                format!("{}{:2$}", slot.indent, "", self.layout.map_indent)
            } else {
                blanks_before(self.text, node.start)
            };
            let mut lines = String::new();
            match new {
                Value::Array(list) => write::items(&mut lines, list, &indent, &self.layout),
                Value::Object(fields) => write::entries(&mut lines, fields, &indent, &self.layout),
                _ => {}
            }
            let lines = lines.strip_suffix(self.layout.line_end).unwrap_or(&lines);
            self.splices.replace(line_start(self.text, node.start)..line_stop(self.text, end), lines);
        }
    }

    /// A value as the lines behind a dash, without the last line end.
    fn compact(&self, new: &Value, indent: &str) -> String {
        let mut out = String::new();
        write::item(&mut out, new, indent, &self.layout);
        out.truncate(out.strip_suffix(self.layout.line_end).map_or(out.len(), str::len));
        out
    }

    /// A value as the lines below its key: a line end in front instead of behind.
    fn below(&self, new: &Value, indent: &str) -> String {
        let mut out = self.layout.line_end.to_owned();
        write::block(&mut out, new, indent, &self.layout);
        out.truncate(out.strip_suffix(self.layout.line_end).map_or(out.len(), str::len));
        out
    }
}

/// A value as text on one line.
pub(super) fn inline(new: &Value, quotes: Option<Style>, flow: bool) -> String {
    match new {
        Value::String(_) => quote::scalar_like(new, quotes.unwrap_or(Style::Empty), "", flow),
        Value::Array(list) if !list.is_empty() => write::flow(new),
        Value::Object(fields) if !fields.is_empty() => write::flow(new),
        scalar => quote::scalar(scalar, flow),
    }
}

fn is_nested(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| !is_inline(item)),
        Value::Object(fields) => fields.values().any(|value| !is_inline(value)),
        _ => false,
    }
}
