//! `schema`: what the fields of a kind are held to.

use lorebase::{Error, ErrorKind};

use crate::Done;
use crate::args::Common;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;

pub(crate) async fn run(common: &Common, output: &Output, kind: &str) -> Result<Done, Failure> {
    let session = Session::open(common).await?;
    let schema = session.kb.schema(kind).await?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("the kind `{kind}` has no schema; give it one with `schema:` in lorebase.yaml"))
    })?;
    output.json(&schema)?;
    Ok(Done::Well)
}
