//! The title that a Markdown text gives itself.

/// The text of the first level-one ATX heading (`# Title`, CommonMark 4.2) that is not inside of a fenced code block
/// and not empty.
pub(super) fn first(body: &str) -> Option<&str> {
    let mut fence: Option<(u8, usize)> = None;
    for line in body.lines() {
        let text = line.trim_start_matches(' ');
        if line.len() - text.len() > 3 {
            continue;
        }
        let mark = text.bytes().next().filter(|byte| matches!(byte, b'`' | b'~'));
        let run = mark.map_or(0, |mark| text.bytes().take_while(|byte| *byte == mark).count());
        match (fence, mark) {
            (Some((open, length)), Some(mark)) if mark == open && run >= length && text[run..].trim().is_empty() => fence = None,
            (Some(_), _) => {}
            (None, Some(mark)) if run >= 3 && !(mark == b'`' && text[run..].contains('`')) => fence = Some((mark, run)),
            (None, _) => {
                if let Some(title) = text.strip_prefix('#').and_then(heading) {
                    return Some(title);
                }
            }
        }
    }
    None
}

fn heading(rest: &str) -> Option<&str> {
    let text = rest.strip_prefix([' ', '\t'])?.trim();
    let unclosed = text.trim_end_matches('#');
    let text = if unclosed.is_empty() || unclosed.ends_with([' ', '\t']) { unclosed.trim_end() } else { text };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_level_one_heading_outside_of_code_is_found() {
        let cases = [
            ("# A\n# B\n", Some("A")),
            ("text\n\n## Two\n\n   #  Spaced  \r\n", Some("Spaced")),
            ("```sh\n# comment\n```\n# Real\n", Some("Real")),
            ("~~~\n```\n# no\n~~~~\n# Yes ##\n", Some("Yes")),
            ("````\n```\n# no\n````\n# Yes\n", Some("Yes")),
            ("``` a ` b\n# Not in code\n", Some("Not in code")),
            ("    # code\n", None),
            ("#no space\n#\n# \n# ##\n", None),
            ("# C#\n", Some("C#")),
            ("", None),
        ];
        for (body, title) in cases {
            assert_eq!(first(body), title, "{body:?}");
        }
    }
}
