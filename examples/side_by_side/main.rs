//! What a synchronisation in which the last write wins leaves, and what Lorebase leaves, when a web form and an
//! engineer change one file at once. Prints the page `core/docs/comparison.md`: `cargo run --example side_by_side`.

mod last_write_wins;
mod repository;
mod scenario;

use std::error::Error;
use std::fmt::Write as _;

use lorebase::Result;
use scenario::{BEGIN, Edit, Last, Left, SCENARIOS, Scenario};

const HEADING: &str = "\
# Side by side

Ada changes an entity in a web form while Grace, an engineer, commits to its file. What is left when everything has come to
rest, in a synchronisation as teams write it by hand (whole rows to whole files and back, whoever comes last wins), and in
Lorebase. Both run on real repositories in `examples/side_by_side`; this page is what it prints, and a test compares the two.

The file that each scenario begins with:

";

fn main() -> Result<(), Box<dyn Error>> {
    let mut page = HEADING.to_owned();
    code(&mut page, BEGIN);
    let mut summary = "## In short\n\n| | last write wins | Lorebase |\n| --- | --- | --- |\n".to_owned();
    for scenario in &SCENARIOS {
        let told = pollster::block_on(tell(&mut page, scenario))?;
        let _ = writeln!(summary, "| {} | {} | {} |", scenario.title, told.0, told.1);
    }
    print!("{page}{summary}");
    Ok(())
}

/// Plays one scenario in both orders on both systems. Returns what became of it in short.
async fn tell(page: &mut String, scenario: &Scenario) -> Result<(String, String), Box<dyn Error>> {
    let _ = writeln!(page, "## {}\n\nAda {}. Grace {}.\n", scenario.title, told(scenario.form), told(scenario.engineer));
    let mut by_hand = Vec::new();
    let mut ours = Vec::new();
    for last in [Last::Save, Last::Push] {
        by_hand.push(scenario::by_hand(tempfile::tempdir()?.path(), scenario, last).await?);
        ours.push(scenario::with_lorebase(tempfile::tempdir()?.path(), scenario, last).await?);
    }
    for (system, lefts) in [("Last write wins", &by_hand), ("Lorebase", &ours)] {
        if lefts[0] == lefts[1] {
            let _ = writeln!(page, "**{system}**, whoever comes last:\n");
            show(page, &lefts[0]);
            continue;
        }
        for (order, left) in ["Ada's save comes last", "Grace's push comes last"].into_iter().zip(lefts) {
            let _ = writeln!(page, "**{system}**, {order}:\n");
            show(page, left);
        }
    }
    Ok((fate(scenario, &by_hand), fate(scenario, &ours)))
}

fn told(edit: Edit) -> String {
    match edit {
        Edit::Field(name, old, new) => format!("changes `{name}` from `{old}` to `{new}`"),
        Edit::Line(old, new) => format!("writes \"{new}\" in place of \"{old}\""),
    }
}

fn show(page: &mut String, left: &Left) {
    code(page, &left.file);
    for line in &left.waiting {
        let _ = writeln!(page, "Beside it {line}.\n");
    }
}

fn code(page: &mut String, text: &str) {
    let _ = writeln!(page, "```markdown\n{text}```\n");
}

/// Whose change is lost.
fn fate(scenario: &Scenario, lefts: &[Left]) -> String {
    let lost = |edit: Edit| lefts.iter().any(|left| !left.has(edit));
    let comment = lefts.iter().any(|left| !left.file.contains("# until June"));
    let mut fate = match (lost(scenario.form), lost(scenario.engineer)) {
        (false, false) if lefts.iter().any(|left| !left.waiting.is_empty()) => "both kept, a person decides".to_owned(),
        (false, false) => "both kept, merged".to_owned(),
        (true, false) => "Ada's change is lost".to_owned(),
        (false, true) => "Grace's change is lost".to_owned(),
        (true, true) => "whoever came first is lost, in silence".to_owned(),
    };
    if comment {
        fate.push_str("; the comment too");
    }
    fate
}
