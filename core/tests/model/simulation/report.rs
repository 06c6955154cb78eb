//! One row a proof: printed, and written as a JSON file into the folder that `LOREBASE_TORTURE_REPORT` names, where
//! a longer run gathers them.

use serde_json::Value;

/// The folder of the rows; where there is one, the long form is meant.
pub(crate) fn folder() -> Option<std::path::PathBuf> {
    std::env::var_os("LOREBASE_TORTURE_REPORT").map(Into::into)
}

/// Prints the row and writes it into the folder. Its `proof` names the file.
pub(crate) fn tell(row: &Value) {
    println!("{row}");
    let Some(folder) = folder() else { return };
    let name = row["proof"].as_str().unwrap_or("proof").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.json")), format!("{row:#}\n")).unwrap();
}
