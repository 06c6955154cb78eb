//! `delete`: from both sides.

use lorebase::Delete;

use crate::Done;
use crate::args::Common;
use crate::entity::{self, EntityName};
use crate::failure::Failure;
use crate::output::{BOLD, Output, styled};
use crate::session::Session;

pub(crate) async fn run(
    common: &Common,
    output: &Output,
    name: &EntityName,
    author: Option<&str>,
    message: Option<String>,
    expected_revision: Option<u64>,
) -> Result<Done, Failure> {
    let session = Session::open(common).await?;
    let author = session.author(author)?;
    let was = session.kb.delete(Delete { expected_revision, author, message, ..Delete::new(&name.kind, name.selector()) }).await?;
    if output.is_json() {
        output.json(&was)?;
    } else {
        output.line(format!("deleted {}, which was at revision {}", styled(BOLD, entity::name(&was)), was.revision))?;
    }
    session.publish_in_background().await?;
    Ok(Done::Well)
}
