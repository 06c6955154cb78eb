//! Merging bodies against the git program: on random triples of texts both must agree on what conflicts, and on the
//! bytes of what does not. `LOREBASE_MERGE_TRIPLES` says how many (1,000 unless given), `LOREBASE_MERGE_SEED` where the
//! random numbers begin.

#![expect(clippy::unwrap_used, reason = "a git program that cannot be run must stop the test")]

use std::path::Path;
use std::process::Command;

use lorebase::clock::Entropy;
use lorebase::codec::decode_file;
use lorebase::knowledge::{Config, Content, KindName, KnowledgePath};
use lorebase::memory::SeededEntropy;
use lorebase::sync::merge;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn lines(entropy: &SeededEntropy) -> Vec<String> {
    // Few different lines, so that repeated ones and empty ones make the difference ambiguous.
    let words = 2 + entropy.below(12);
    (0..entropy.below(25)).map(|_| if entropy.below(5) == 0 { String::new() } else { format!("line {}", entropy.below(words)) }).collect()
}

fn edited(entropy: &SeededEntropy, base: &[String]) -> Vec<String> {
    let mut text = base.to_vec();
    for _ in 0..entropy.below(4) {
        let at = usize::try_from(entropy.below(text.len() as u64 + 1)).unwrap();
        match entropy.below(3) {
            0 => text.insert(at, format!("line {}", entropy.below(14))),
            1 if at < text.len() => _ = text.remove(at),
            _ if at < text.len() => text[at] = format!("line {}", entropy.below(14)),
            _ => text.push("end".to_owned()),
        }
    }
    text
}

fn text(lines: &[String], ended: bool) -> String {
    let mut text = lines.join("\n");
    if ended && !text.is_empty() {
        text.push('\n');
    }
    text
}

/// What the git program says: the merged text, or `None` for a conflict.
fn git(folder: &Path, [base, ours, theirs]: [&str; 3]) -> Option<String> {
    for (name, text) in [("base", base), ("ours", ours), ("theirs", theirs)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let output = Command::new("git")
        .args(["merge-file", "--stdout", "ours", "base", "theirs"])
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("the git program is needed for this test");
    match output.status.code() {
        Some(0) => Some(String::from_utf8(output.stdout).unwrap()),
        Some(1..=127) => None,
        _ => panic!("git merge-file failed: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

fn content(config: &Config, body: &str) -> Content {
    let kind = config.kind(&KindName::from("document")).unwrap();
    let file = format!("---\nid: one\n---\n{body}");
    decode_file(kind, "", &KnowledgePath::new("documents/one.md").unwrap(), file.as_bytes()).entities.pop().unwrap().content
}

#[test]
fn bodies_merge_as_git_merges_files() {
    let config = Config::built_in();
    let kind = config.kind(&KindName::from("document")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (seed, triples) = (number("LOREBASE_MERGE_SEED", 1), number("LOREBASE_MERGE_TRIPLES", 1000));
    let entropy = SeededEntropy::new(seed);
    let (mut clean, mut conflicts, mut other_bytes, mut other_verdict) = (0, 0, Vec::new(), Vec::new());
    for triple in 0..triples {
        let lines = lines(&entropy);
        let ended = entropy.below(10) > 0;
        let (base, ours, theirs) = (text(&lines, ended), text(&edited(&entropy, &lines), ended), text(&edited(&entropy, &lines), ended));
        let expected = git(folder.path(), [&base, &ours, &theirs]);
        let [b, o, t] = [&base, &ours, &theirs].map(|body| content(&config, body));
        let merged = merge(kind, "", Some(&b), &o, &t).ok().map(|merged| merged.body);
        match &expected {
            Some(_) => clean += 1,
            None => conflicts += 1,
        }
        if merged != expected {
            let about = if merged.is_some() && expected.is_some() { &mut other_bytes } else { &mut other_verdict };
            about.push(format!("triple {triple}: {base:?} / {ours:?} / {theirs:?}\n  is  {merged:?}\n  git {expected:?}"));
        }
    }
    println!(
        "seed {seed}: {triples} triples, {clean} clean and {conflicts} conflicts in git, {} with another verdict here",
        other_verdict.len()
    );
    assert!(clean > triples / 10 && conflicts > triples / 10, "the triples must show both");
    assert!(other_bytes.is_empty(), "seed {seed}: merged to other bytes than git merge-file:\n{}", other_bytes.join("\n"));
    // Among repeated lines two differences can be equally short, and the two programs may choose differently.
    let allowed = usize::try_from(triples / 1000).unwrap();
    assert!(other_verdict.len() <= allowed, "seed {seed}: verdicts unlike git merge-file:\n{}", other_verdict.join("\n"));
}
