//! The layering rules of `docs/architecture.md`, read from the sources and from cargo. Inside the core a module uses
//! only what stands below it; runtimes, git and SQL stay out of the core; each of gix, sqlx and the YAML parser
//! stays in its one place.
#![expect(clippy::unwrap_used, reason = "a source that cannot be read fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The modules of the core from the bottom. Every module that is not named here (sync, history, …) stands on top.
const LAYERS: [&[&str]; 4] = [&["error", "clock"], &["knowledge"], &["codec"], &["store"]];

/// Modules for tests and for memory-only use: they may use everything, and nothing else may use them.
const ASIDE: [&str; 2] = ["memory", "conformance"];

/// Packages that the core may not depend on, directly or not; also with `-` and anything behind.
const NOT_IN_CORE: [&str; 9] = ["tokio", "async-std", "gix", "git2", "sqlx", "libsqlite3", "napi", "pyo3", "reqwest"];

/// Where a library may be named: the crate as the code spells it, and the only path prefix.
const PLACES: [(&str, &str); 4] = [
    ("gix", "storage-backends/src/git"),
    ("sqlx", "storage-backends/src/sql"),
    ("granit_parser", "core/src/codec/"),
    ("serde_yaml", "core/src/codec/"),
];

#[test]
fn inside_the_core_a_module_uses_only_what_stands_below_it() {
    let core = core_modules();
    let mut edges = 0;
    let mut broken = Vec::new();
    for (module, files) in &core.files {
        for (file, text) in files {
            for used in uses(text, depth(file)) {
                if *module == "conformance" && used.ends_with("_conformance") {
                    continue; // its own macros, shown in its own documentation
                }
                match core.resolve(&used) {
                    Some(target) if target == *module => {}
                    Some(target) => {
                        edges += 1;
                        if !allowed(module, &target) {
                            broken.push(format!("{}: `{module}` uses `{target}`", file.display()));
                        }
                    }
                    None => broken.push(format!("{}: `crate::{used}` is neither a module nor re-exported by lib.rs", file.display())),
                }
            }
        }
    }
    assert!(broken.is_empty(), "the layers of the core are broken:\n{}", broken.join("\n"));
    assert!(edges >= 10, "only {edges} uses between modules were found: the sources were not read");
}

#[test]
fn gix_sqlx_and_the_yaml_parser_stay_in_their_places() {
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut broken = Vec::new();
    for member in ["core/src", "storage-backends/src", "bindings-node", "bindings-python", "examples"] {
        for file in rust_files(&workspace().join(member)) {
            let text = code(&fs::read_to_string(&file).unwrap());
            let name = relative(&file);
            for (krate, place) in PLACES {
                if names_crate(&text, krate) {
                    seen.entry(krate).or_default().insert(name.clone());
                    if !name.starts_with(place) {
                        broken.push(format!("{name}: names `{krate}`, which belongs into {place}"));
                    }
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let granit = seen.remove("granit_parser").unwrap_or_default();
    assert!(granit.len() <= 1, "the YAML parser belongs into one file, it is named in {granit:?}");
}

#[test]
fn the_core_depends_on_no_runtime_no_git_and_no_database() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "-p", "lorebase", "--all-features", "--edges", "normal,build"])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let packages: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(packages.contains("lorebase") && packages.contains("serde"), "{tree}");
    let broken: Vec<_> = packages
        .iter()
        .filter(|package| NOT_IN_CORE.iter().any(|name| *package == name || package.starts_with(&format!("{name}-"))))
        .collect();
    assert!(broken.is_empty(), "the core depends on {broken:?}; `cargo tree -p lorebase -i <package>` says why");
}

#[test]
fn the_reader_of_sources_sees_every_way_of_naming_a_module() {
    let text = code(
        "use crate::codec::parse; // use crate::history::x;\n\
         use crate::{\n    Error,\n    knowledge::{Kind, Slug},\n    store as s,\n};\n\
         /// See [`crate::webhook`].\n\
         fn f() -> crate::clock::Timestamp { super::super::memory::new(super::near()) }\n\
         #[cfg(test)]\nmod tests {\n    use crate::conformance::all;\n}\n",
    );
    let found: Vec<_> = uses(&text, 2).into_iter().collect();
    assert_eq!(found, ["Error", "clock", "codec", "knowledge", "memory", "store"]);
    assert_eq!(uses("super::store::x()", 1).into_iter().collect::<Vec<_>>(), ["store"]);
    assert!(names_crate("use gix::Repository;", "gix") && names_crate("gix_hash::ObjectId", "gix"));
    assert!(!names_crate("feature = \"gix\"; my_gix::x", "gix"));
}

#[test]
fn the_order_of_the_layers_is_the_documented_one() {
    for (module, target, expected) in [
        ("knowledge", "error", true),
        ("codec", "knowledge", true),
        ("store", "codec", true),
        ("sync", "store", true),
        ("history", "codec", true),
        ("memory", "sync", true),
        ("conformance", "memory", true),
        ("knowledge", "codec", false),
        ("codec", "store", false),
        ("store", "sync", false),
        ("error", "knowledge", false),
        ("sync", "memory", false),
        ("store", "conformance", false),
    ] {
        assert_eq!(allowed(module, target), expected, "{module} uses {target}");
    }
}

fn allowed(module: &str, target: &str) -> bool {
    ASIDE.contains(&module) || (!ASIDE.contains(&target) && level(target) <= level(module))
}

fn level(module: &str) -> usize {
    LAYERS.iter().position(|layer| layer.contains(&module)).unwrap_or(LAYERS.len())
}

/// The core's sources by top-level module, and the names that `lib.rs` re-exports.
struct Core {
    files: BTreeMap<String, Vec<(PathBuf, String)>>,
    exports: BTreeMap<String, String>,
}

impl Core {
    fn resolve(&self, used: &str) -> Option<String> {
        self.files.contains_key(used).then(|| used.to_owned()).or_else(|| self.exports.get(used).cloned())
    }
}

fn core_modules() -> Core {
    let src = workspace().join("core/src");
    let mut files: BTreeMap<String, Vec<_>> = BTreeMap::new();
    let mut exports = BTreeMap::new();
    for file in rust_files(&src) {
        let text = code(&fs::read_to_string(&file).unwrap());
        let below = file.strip_prefix(&src).unwrap().to_owned();
        let first = below.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if first == "lib" {
            for statement in text.split(';').filter_map(|part| part.trim().strip_prefix("pub use ")) {
                let Some((module, items)) = statement.split_once("::") else { continue };
                for item in first_names(items) {
                    exports.insert(item, module.trim().to_owned());
                }
            }
        } else {
            files.entry(first).or_default().push((below, text));
        }
    }
    Core { files, exports }
}

/// How many modules deep a file stands: `codec/mod.rs` and `clock.rs` 1, `codec/edit.rs` 2.
fn depth(below_src: &Path) -> usize {
    let parts = below_src.iter().count();
    if below_src.ends_with("mod.rs") { parts - 1 } else { parts }
}

/// The first names after the crate's root: after `crate::`, and after as many `super::` as lead there.
fn uses(text: &str, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for root in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in text.match_indices(&root) {
            let word_before = text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
            if !word_before {
                found.extend(first_names(&text[at + root.len()..]));
            }
        }
    }
    found
}

/// The first name of a path, or of each path of a `{…}` group.
fn first_names(text: &str) -> Vec<String> {
    let name = |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = text.trim_start().strip_prefix('{') else { return vec![name(text)] };
    let mut names = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The code of a file without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.find("#[cfg(test)]\nmod ").map_or(text, |end| &text[..end]);
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// Whether code names a crate, or one of its family (`gix_hash` for `gix`), as the first part of a path.
fn names_crate(text: &str, krate: &str) -> bool {
    text.match_indices(krate).any(|(at, _)| {
        let word_before = text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
        let after = text[at + krate.len()..].trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '_');
        let follows = !text[at + krate.len()..].starts_with(|c: char| c.is_alphanumeric());
        !word_before && follows && after.starts_with("::")
    })
}

/// All Rust sources below a folder but those of tests, in order; none where the folder does not exist.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "tests" | "target" | "node_modules") {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn relative(file: &Path) -> String {
    file.strip_prefix(workspace()).unwrap().to_string_lossy().replace('\\', "/")
}
