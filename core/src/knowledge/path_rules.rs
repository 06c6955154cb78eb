//! What makes a path unsafe: everything that git, Windows or macOS would read as another place than the bytes say.
//! Pure text rules after git's `verify_path`, `is_hfs_dotgit` and `is_ntfs_dotgit`; a new rule belongs here and
//! nowhere else.

/// The longest part that common file systems hold, in bytes.
const LONGEST_PART: usize = 255;

/// The longest path that is taken, in bytes.
const LONGEST_PATH: usize = 1024;

/// Why a path is refused, as the end of a sentence; `None` for a safe one.
pub(super) fn refusal(path: &str) -> Option<String> {
    if path.is_empty() {
        return Some("it is empty".to_owned());
    }
    if path.len() > LONGEST_PATH {
        return Some(format!("it is {} bytes long, at most {LONGEST_PATH} are allowed; shorten it", path.len()));
    }
    if path.starts_with('/') {
        return Some("it begins with a slash; give it from the top of the repository".to_owned());
    }
    if path.ends_with('/') {
        return Some("it ends with a slash; name a file".to_owned());
    }
    if let Some(c) = path.chars().find(|c| refused_char(*c)) {
        return Some(if c.is_control() {
            format!("it holds the control character U+{:04X}; rename the file", u32::from(c))
        } else if c == char::REPLACEMENT_CHARACTER {
            "its name is not valid UTF-8 (it holds U+FFFD); rename the file".to_owned()
        } else {
            format!("it holds `{c}`, which Windows does not allow; rename the file")
        });
    }
    path.split('/').find_map(part_refusal)
}

fn refused_char(c: char) -> bool {
    c.is_control() || matches!(c, '\\' | ':' | '<' | '>' | '"' | '|' | '?' | '*' | char::REPLACEMENT_CHARACTER)
}

fn part_refusal(part: &str) -> Option<String> {
    if part.is_empty() {
        return Some("it holds an empty part (two slashes in a row)".to_owned());
    }
    if part == "." || part == ".." {
        return Some(format!("it holds the part `{part}`; give the path itself"));
    }
    if part.len() > LONGEST_PART {
        return Some(format!("a part of it is {} bytes long, at most {LONGEST_PART} are allowed; shorten it", part.len()));
    }
    if is_git_folder(part) {
        return Some(format!("some file systems take the part `{}` for the folder `.git`; rename it", part.escape_debug()));
    }
    if part.ends_with(['.', ' ']) {
        return Some(format!("the part `{part}` ends in a dot or a space, which Windows drops; rename it"));
    }
    if let Some(device) = device_name(part) {
        return Some(format!("the part `{part}` is the device {device} on Windows; rename it"));
    }
    None
}

/// Whether a file system could take a part for `.git`: in any case, with the code points that HFS+ ignores, with the
/// dots and spaces at the end that NTFS drops, or by its short name.
fn is_git_folder(part: &str) -> bool {
    let visible: String = part.chars().filter(|c| !ignored_by_hfs(*c)).collect();
    let name = visible.trim_end_matches(['.', ' ']);
    name.eq_ignore_ascii_case(".git") || name.eq_ignore_ascii_case("git~1")
}

/// The code points that HFS+ leaves out when it compares names (the list of git's `next_hfs_char`).
fn ignored_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// The device that Windows opens for a name, with or without an extension.
/// <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>
fn device_name(part: &str) -> Option<String> {
    let stem = part.split('.').next().unwrap_or(part).trim_end_matches(' ').to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            let mut digits = rest.chars();
            matches!((digits.next(), digits.next()), (Some('1'..='9' | '¹' | '²' | '³'), None))
        })
    };
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") || numbered("COM") || numbered("LPT");
    device.then_some(stem)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(path: &str) -> String {
        refusal(path).unwrap_or_else(|| panic!("{path:?} was taken"))
    }

    #[test]
    fn every_path_that_is_safe_everywhere_is_taken() {
        for path in [
            "a",
            "skills/pdf.md",
            "skills/pdf/SKILL.md",
            "skills/skill_creation.md",
            "docs/[id].md",
            "docs/(a) & b, c; d = e + f #1 'x' $y %z @w ^ ~ `.md",
            "with space/two  spaces.md",
            " leading space.md",
            "größe/日本語/مرحبا/🙂.md",
            "👩\u{200d}👧.md",
            "cafe\u{301}.md",
            ".github/prompts/a.md",
            ".gitignore",
            ".gitkeep",
            "a.git/b.md",
            "git/b.md",
            "git~2.md",
            "git~1.md",
            "...a/b",
            "console.md",
            "con-artist.md",
            "com/a.md",
            "com0.md",
            "com10.md",
            "lpt.md",
            "auxiliary/nullable.md",
            "a.con",
            "acme-inc-.md",
            "-rf.md",
        ] {
            assert_eq!(refusal(path), None, "{path:?}");
        }
    }

    #[test]
    fn the_shape_of_a_path_is_checked() {
        assert_eq!(reason(""), "it is empty");
        assert!(reason("/etc/passwd").starts_with("it begins with a slash"));
        assert!(reason("a/").starts_with("it ends with a slash"));
        assert!(reason("/").starts_with("it begins with a slash"));
        assert!(reason("a//b").contains("empty part"));
        for path in [".", "..", "./a", "../a", "a/./b", "a/../b", "a/.."] {
            assert!(reason(path).contains("the part `."), "{path}");
        }
    }

    #[test]
    fn git_s_own_folder_is_refused_in_every_disguise() {
        for part in [
            ".git",
            ".GIT",
            ".Git",
            ".git.",
            ".git ",
            ".git. . .",
            ".git ..",
            "git~1",
            "GIT~1",
            "Git~1 ",
            "git~1.",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".git\u{200d}",
            ".gi\u{206f}t",
            ".\u{202e}g\u{202a}it",
            ".git \u{200f}",
        ] {
            for path in [part.to_owned(), format!("{part}/config"), format!("a/{part}/hooks/pre-commit"), format!("a/{part}")] {
                assert!(reason(&path).contains("for the folder `.git`"), "{path:?}: {}", reason(&path));
            }
        }
        assert!(reason(".git::$INDEX_ALLOCATION/config").contains("`:`"));
        assert!(reason(".git\\config").contains("`\\`"));
    }

    #[test]
    fn characters_that_some_file_system_treats_specially_are_refused() {
        for c in "\\:<>\"|?*".chars() {
            assert!(reason(&format!("a{c}b")).contains(&format!("`{c}`")), "{c}");
        }
        for c in ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}') {
            assert!(reason(&format!("a{c}b")).contains(&format!("U+{:04X}", u32::from(c))), "{c:?}");
        }
        assert!(reason("a\u{fffd}.md").contains("not valid UTF-8"));
    }

    #[test]
    fn a_part_may_not_end_in_a_dot_or_a_space() {
        for path in ["a.", "a ", "a./b", "a /b", "a. ", "...", "....", " "] {
            assert!(reason(path).contains("ends in a dot or a space"), "{path:?}: {}", reason(path));
        }
    }

    #[test]
    fn device_names_of_windows_are_refused_with_and_without_an_extension() {
        for name in ["CON", "prn", "Aux", "nul", "COM1", "com9", "LPT1", "lpt9", "COM¹", "lpt³", "conin$", "CONOUT$"] {
            for path in [name.to_owned(), format!("{name}.md"), format!("{name}.tar.gz"), format!("{name} .md"), format!("a/{name}/b.md")] {
                assert!(reason(&path).contains("on Windows"), "{path}: {}", reason(&path));
            }
        }
    }

    #[test]
    fn lengths_are_counted_in_bytes_and_the_limits_themselves_are_allowed() {
        assert_eq!(refusal(&"a".repeat(255)), None);
        assert!(reason(&"a".repeat(256)).contains("256 bytes"));
        assert_eq!(refusal(&format!("a{}", "é".repeat(127))), None);
        assert!(reason(&"é".repeat(128)).contains("256 bytes"));
        let deep = format!("{}{}", "a/".repeat(511), "bc");
        assert_eq!(deep.len(), 1024);
        assert_eq!(refusal(&deep), None);
        assert!(reason(&format!("{deep}d")).contains("1025 bytes"));
    }

    proptest! {
        #[test]
        fn no_safe_path_leaves_its_folder_or_enters_git_s(path in "([.gitGIT~1 \u{200c}\u{feff}]{1,6}|\\PC{0,5})(/([.gitGIT~1 \u{200c}\u{feff}]{1,6}|\\PC{0,5})){0,2}") {
            if refusal(&path).is_none() {
                for part in path.split('/') {
                    let seen: String = part.chars().filter(|c| !ignored_by_hfs(*c)).collect::<String>().to_ascii_lowercase();
                    prop_assert!(!part.is_empty() && part != "." && part != ".." && seen != ".git" && seen != "git~1");
                    prop_assert!(!part.ends_with(['.', ' ']));
                }
                prop_assert!(!path.contains(['\\', ':', '\0']));
            }
        }

        #[test]
        fn every_path_of_plain_words_is_safe(path in "[a-z][a-z0-9_-]{4,20}(/[a-z][a-z0-9_-]{4,20}){0,4}\\.md") {
            prop_assert_eq!(refusal(&path), None);
        }
    }
}
