//! The comparison in the documentation is what its program prints.

use std::path::Path;
use std::process::Command;

#[test]
fn the_comparison_of_the_documentation_is_what_the_program_prints() {
    let here = std::env::current_exe().unwrap();
    let name = format!("side_by_side{}", std::env::consts::EXE_SUFFIX);
    let program = here.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    let output = Command::new(program).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/docs/comparison.md");
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told, std::fs::read_to_string(page).unwrap(), "`cargo run --example side_by_side > core/docs/comparison.md` writes it anew");
}
