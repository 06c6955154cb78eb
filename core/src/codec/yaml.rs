//! YAML text to [`Node`]s: the simple documents by [`fast_path`], all others by the events of granit-parser, with the
//! same outcome. The one file that knows that parser: its oddities (empty values that stand before their colon,
//! anchors outside of spans) end here.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use super::fast_path;
use super::fault::Fault;
use super::node::{DEEPEST, Data, Entry, Node, Shape, Style};

/// Reads one document; `None` when there is nothing but comments and blank lines.
///
/// # Errors
/// A fault where the text is no YAML, nests too deep, or holds a second document.
pub(super) fn parse(text: &str) -> Result<Option<Node<'_>>, Fault> {
    match fast_path::parse(text) {
        Some(root) => Ok(Some(root)),
        None => parse_events(text),
    }
}

/// What [`parse`] does, by the parser alone.
pub(super) fn parse_events(text: &str) -> Result<Option<Node<'_>>, Fault> {
    let options = granit_parser::options! {
        emit_anchor_events: true,
        emit_comments: false,
        disallow_directives: true,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    };
    let mut builder = Builder { text, open: Vec::new(), root: None };
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| fault(text, &error))?;
        if let Event::DocumentStart(..) = event {
            documents += 1;
            if documents > 1 {
                return Err(Fault::new("yaml.document", start_of(&span), "a second document begins here; keep one"));
            }
        }
        builder.take(event, &span)?;
    }
    Ok(builder.root)
}

struct Open<'a> {
    node: Node<'a>,
    /// The key that waits for its value.
    key: Option<Node<'a>>,
}

struct Builder<'a> {
    text: &'a str,
    open: Vec<Open<'a>>,
    root: Option<Node<'a>>,
}

impl<'a> Builder<'a> {
    fn take(&mut self, event: Event<'a>, span: &Span) -> Result<(), Fault> {
        let (start, end) = (start_of(span), span.end.byte_offset().unwrap_or(0));
        let outer = span.tag_start().and_then(|mark| mark.byte_offset()).map_or(start, |tag| tag.min(start));
        let node = |data, anchor, tagged| Node { data, outer, start, end, anchor, tagged };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let style = match style {
                    ScalarStyle::Plain if start == end => Style::Empty,
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::Single,
                    ScalarStyle::DoubleQuoted => Style::Double,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                let text = if style == Style::Empty { Cow::Borrowed("") } else { text };
                self.attach(node(Data::Scalar(text, style), anchor, tag.is_some()));
            }
            Event::Alias(anchor) => self.attach(node(Data::Alias(anchor), 0, false)),
            Event::SequenceStart(style, anchor, tag) => {
                let mut list = node(Data::Seq(Vec::new(), shape(style)), anchor, tag.is_some());
                if let (StructureStyle::Block, Some(Open { key: Some(_), .. })) = (style, self.open.last()) {
                    list.start = first_dash(self.text, start);
                    list.outer = list.outer.min(list.start);
                }
                self.push(list)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let shape = match shape(style) {
                    Shape::Flow if start == end => Shape::Pair,
                    shape => shape,
                };
                self.push(node(Data::Map(Vec::new(), shape), anchor, tag.is_some()))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(end),
            Event::Anchor(..) => self.anchor(start),
            _ => {}
        }
        Ok(())
    }

    fn push(&mut self, node: Node<'a>) -> Result<(), Fault> {
        if self.open.len() >= DEEPEST {
            return Err(too_deep(node.start));
        }
        self.open.push(Open { node, key: None });
        Ok(())
    }

    fn close(&mut self, end: usize) {
        let Some(Open { mut node, .. }) = self.open.pop() else { return };
        node.end = match &node.data {
            Data::Seq(_, Shape::Flow) | Data::Map(_, Shape::Flow) => end,
            Data::Seq(items, _) => items.last().map_or(node.end, |item| item.end),
            Data::Map(entries, _) => entries.last().map_or(node.end, |entry| entry.value.end),
            _ => node.end,
        };
        self.attach(node);
    }

    fn attach(&mut self, node: Node<'a>) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { node: parent, key }) => match &mut parent.data {
                Data::Seq(items, _) => items.push(node),
                Data::Map(entries, _) => match key.take() {
                    None => *key = Some(node),
                    Some(key) => entries.push(entry(self.text, key, node)),
                },
                _ => {}
            },
        }
    }

    /// An anchor's event follows the node that has it: an open collection, or the last one attached.
    fn anchor(&mut self, at: usize) {
        let Some(Open { node: parent, key }) = self.open.last_mut() else {
            if let Some(root) = &mut self.root {
                root.outer = root.outer.min(at);
            }
            return;
        };
        let node = match &mut parent.data {
            Data::Seq(items, _) => match items.last_mut() {
                Some(item) => item,
                None => parent,
            },
            Data::Map(entries, _) => match (key, entries.last_mut()) {
                (Some(key), _) => key,
                (None, Some(entry)) => &mut entry.value,
                (None, None) => parent,
            },
            _ => parent,
        };
        node.outer = node.outer.min(at);
    }
}

fn entry<'a>(text: &str, key: Node<'a>, mut value: Node<'a>) -> Entry<'a> {
    let rest = &text.as_bytes()[key.end..];
    let gap = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let colon = (rest.get(gap) == Some(&b':')).then_some(key.end + gap);
    if let (Data::Scalar(_, Style::Empty), Some(colon)) = (&value.data, colon)
        && value.end <= colon
    {
        value.start = colon + 1;
        value.end = colon + 1;
        value.outer = colon + 1;
    }
    Entry { key, value, colon }
}

/// A list that is not indented below its key begins, for the parser, behind its first dash.
fn first_dash(text: &str, start: usize) -> usize {
    let line = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let blanks = text[line..start].bytes().take_while(|byte| *byte == b' ').count();
    if text[line + blanks..start].starts_with("- ") { line + blanks } else { start }
}

fn shape(style: StructureStyle) -> Shape {
    match style {
        StructureStyle::Block => Shape::Block,
        StructureStyle::Flow => Shape::Flow,
    }
}

fn start_of(span: &Span) -> usize {
    span.start.byte_offset().unwrap_or(0)
}

fn too_deep(at: usize) -> Fault {
    Fault::new("yaml.depth", at, format!("the values nest deeper than {DEEPEST} levels; flatten them"))
}

fn fault(text: &str, error: &ScanError) -> Fault {
    let at = error.marker().byte_offset().unwrap_or(0);
    let (code, message) = match error.kind() {
        ErrorKind::RecursionLimitExceeded => return too_deep(at),
        ErrorKind::UnexpectedCharacter { character } => {
            ("yaml.char", format!("'{}' cannot start a plain value; quote the value", character.escape_debug()))
        }
        ErrorKind::MappingValueNotAllowed => {
            ("yaml.colon", "a second `: ` in a value, or a key indented under another value; quote the value or mend the indent".to_owned())
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => ("yaml.tab", "a tab stands where only spaces may; indent with spaces".to_owned()),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar
        | ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            ("yaml.quote", "a quoted value is not closed, or more text follows it; close the quote at the end of the value".to_owned())
        }
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate
        | ErrorKind::InvalidUnicodeEscape => {
            ("yaml.escape", "an unknown escape in double quotes; write `\\\\` for a backslash, or use single quotes".to_owned())
        }
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::MisplacedFlowCollectionEnd
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::InvalidFlowScalarIndent => {
            ("yaml.flow", "a list in `[ ]` or a mapping in `{ }` is not closed or lacks a comma; close it, or quote the value".to_owned())
        }
        ErrorKind::UnknownAnchor | ErrorKind::MissingAnchorOrAliasName => (
            "yaml.alias",
            "`*` refers to an anchor that is not defined above, or `&` lacks its name; quote the value if it is text".to_owned(),
        ),
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::MappingKeyNotAllowed => {
            ("yaml.indent", "what stands here does not continue the field above; mend the indent or quote the value".to_owned())
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            ("yaml.key", "a line without `: ` stands among the fields, or a key is too long; write `name: value`".to_owned())
        }
        ErrorKind::DirectiveDisallowed => {
            ("yaml.directive", "`%` begins a directive, which fields cannot have; remove the line".to_owned())
        }
        other => ("yaml.syntax", format!("{other}; mend it or quote the value")),
    };
    Fault::new(code, at.min(text.len()), message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::node::{YAML, fields};
    use super::*;

    fn read(text: &str) -> Result<Value, Fault> {
        let Some(root) = parse(text)? else { return Ok(json!({})) };
        fields(&root, text, &YAML).map(Value::Object)
    }

    #[test]
    fn spans_lie_on_the_content_and_empty_values_behind_their_colon() {
        let text = "a: 'x'\nb:\nc: &n !t y\nd: [1, {e: }]\n";
        let root = parse(text).unwrap().unwrap();
        let Data::Map(entries, Shape::Block) = &root.data else { panic!("{root:?}") };
        let spans: Vec<_> = entries.iter().map(|e| (&text[e.value.start..e.value.end], e.value.outer, e.colon.unwrap())).collect();
        assert_eq!(spans, [("'x'", 3, 1), ("", 9, 8), ("y", 13, 11), ("[1, {e: }]", 24, 22)]);
    }

    #[test]
    fn aliases_are_resolved_and_tags_and_merge_keys_are_kept_unapplied() {
        let text = "base: &b {x: 1}\nuse: *b\n<<: *b\nk: !!int \"3\"\nn: !!str 5\nd: !d 2024-01-01\n&k kk: v\nq: *k\n";
        assert_eq!(
            read(text),
            Ok(json!({"base": {"x": 1}, "use": {"x": 1}, "<<": {"x": 1}, "k": "3", "n": "5", "d": "2024-01-01", "kk": "v", "q": "kk"}))
        );
    }

    #[test]
    fn keys_become_their_text() {
        assert_eq!(
            read("1.10: a\ntrue: b\n~: c\n'q q': d\na.b: e\n? f\n: g\n"),
            Ok(json!({"1.10": "a", "true": "b", "~": "c", "q q": "d", "a.b": "e", "f": "g"}))
        );
    }

    #[test]
    fn many_aliases_do_not_make_a_bomb() {
        let mut lines = vec!["a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned()];
        for level in 1..10 {
            let refs = vec![format!("*a{}", level - 1); 10].join(", ");
            lines.push(format!("a{level}: &a{level} [{refs}]\n"));
        }
        let text = lines.concat();
        assert_eq!(read(&text).unwrap_err().code, "yaml.nodes");
    }

    #[test]
    fn aliases_cannot_nest_deeper_than_the_limit_together() {
        let (open, close) = ("[".repeat(30), "]".repeat(30));
        let mut lines = vec![format!("a0: &a0 {open}{close}\n")];
        lines.extend((1..4).map(|level| format!("a{level}: &a{level} {open}*a{}{close}\n", level - 1)));
        let text = lines.concat();
        assert_eq!(read(&text).unwrap_err().code, "yaml.depth");
        assert_eq!(read("a: &a [*a]\n").unwrap_err().code, "yaml.alias");
    }

    #[test]
    fn depth_and_size_stay_bounded() {
        assert!(read(&format!("a: {}{}\n", "[".repeat(63), "]".repeat(63))).is_ok());
        assert_eq!(read(&format!("a: {}{}\n", "[".repeat(64), "]".repeat(64))).unwrap_err().code, "yaml.depth");
        assert_eq!(read(&format!("a: {}", "[".repeat(65_000))).unwrap_err().code, "yaml.depth");
        assert_eq!(read(&format!("{}a: 1\n", "- ".repeat(65_000))).unwrap_err().code, "yaml.depth");
        let keys = (0..100_000).map(|n| format!("k{n}: 1\n")).collect::<Vec<_>>().concat();
        assert_eq!(read(&keys).unwrap_err().code, "yaml.nodes");
    }

    #[test]
    fn each_mistake_has_its_code_and_place() {
        let cases = [
            ("a: %x\n", "yaml.char", 3),
            ("a: @x\n", "yaml.char", 3),
            ("a: `x`\n", "yaml.char", 3),
            ("a: b: c\n", "yaml.colon", 4),
            ("a: 1\n b: 2\n", "yaml.colon", 7),
            ("a: 'x' y\n", "yaml.quote", 7),
            ("a: \"\\q\"\n", "yaml.escape", 3),
            ("a: [1, 2\nb: 3\n", "yaml.flow", 10),
            ("a: *x\n", "yaml.alias", 3),
            ("a: - b\n", "yaml.indent", 3),
            ("x: {{ a }}\n", "yaml.key", 4),
            ("a: 1\n---\nb: 2\n", "yaml.document", 5),
            ("%YAML 1.2\n", "yaml.directive", 0),
            ("a: \"x\\0y\"\n", "yaml.nul", 3),
            ("- a\n", "yaml.root", 0),
            ("just text\n", "yaml.root", 0),
        ];
        for (text, code, at) in cases {
            let fault = read(text).unwrap_err();
            assert_eq!((fault.code, fault.at), (code, at), "{text:?}: {}", fault.message);
        }
    }

    #[test]
    fn a_doubled_key_tells_how_far_above_the_other_is() {
        let fault = read("a: 1\nb:\n  x: 1\n  y: 2\n  x: 3\n").unwrap_err();
        assert_eq!(fault.message, "the key `x` is there already, 2 lines above; keep one");
    }
}
