//! `schema`: the JSON Schema of a kind, for an editor or to begin one's own with.

use lorebase::{Error, ErrorKind};

use crate::Done;
use crate::args::Common;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;

pub(crate) async fn run(common: &Common, output: &Output, kind: &str) -> Result<Done, Failure> {
    let session = Session::open(common).await?;
    let Some(schema) = session.kb.schema(kind).await? else {
        let message = format!("the kind `{kind}` has no schema; write one and name it with `schema` in lorebase.yaml");
        return Err(Error::new(ErrorKind::NotFound, message).into());
    };
    if output.is_json() {
        output.json(&schema)?;
    } else {
        output.line(format!("{schema:#}"))?;
    }
    Ok(Done::Well)
}
