//! Which line ends a text has, and giving them to new text.

/// The line end that most lines have, that of the first line where both are as many; `None` without any.
pub(super) fn dominant(text: &str) -> Option<&'static str> {
    let (crlf, lf) = count(text);
    match crlf.cmp(&lf) {
        std::cmp::Ordering::Greater => Some("\r\n"),
        std::cmp::Ordering::Less => Some("\n"),
        std::cmp::Ordering::Equal if crlf == 0 => None,
        std::cmp::Ordering::Equal => Some(if text.split('\n').next().is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" }),
    }
}

/// Whether both line ends occur.
pub(super) fn is_mixed(text: &str) -> bool {
    let (crlf, lf) = count(text);
    crlf > 0 && lf > 0
}

/// The text with every line end replaced.
pub(super) fn convert(text: &str, line_end: &str) -> String {
    let unix = text.replace("\r\n", "\n");
    if line_end == "\n" { unix } else { unix.replace('\n', line_end) }
}

fn count(text: &str) -> (usize, usize) {
    let bytes = text.as_bytes();
    let mut crlf = 0;
    let mut all = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' {
            all += 1;
            crlf += usize::from(at > 0 && bytes[at - 1] == b'\r');
        }
    }
    (crlf, all - crlf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_majority_decides_and_the_first_line_breaks_a_tie() {
        assert_eq!(dominant("a"), None);
        assert_eq!(dominant("a\nb\n"), Some("\n"));
        assert_eq!(dominant("a\r\nb\nc\r\n"), Some("\r\n"));
        assert_eq!(dominant("a\r\nb\n"), Some("\r\n"));
        assert_eq!(dominant("a\nb\r\n"), Some("\n"));
    }
}
