//! `get`: one entity.

use lorebase::store::View;
use lorebase::{Error, ErrorKind};

use crate::Done;
use crate::args::Common;
use crate::entity::{self, EntityName};
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;

pub(crate) async fn run(common: &Common, output: &Output, name: &EntityName, working: bool) -> Result<Done, Failure> {
    let session = Session::open(common).await?;
    let view = if working { View::Working } else { View::Published };
    let Some(found) = session.kb.get_view(&name.kind, name.selector(), view).await? else {
        let way_out = if let Some(why) = session.emptiness().await? {
            why.to_owned()
        } else if !working && session.kb.get_view(&name.kind, name.selector(), View::Working).await?.is_some() {
            "it is a draft, add --working".to_owned()
        } else {
            format!("`lorebase list --kind {}` shows what there is", name.kind)
        };
        return Err(Error::new(ErrorKind::NotFound, format!("there is no `{name}`; {way_out}")).into());
    };
    if output.is_json() {
        output.json(&found)?;
    } else {
        entity::show(output, &found)?;
    }
    Ok(Done::Well)
}
