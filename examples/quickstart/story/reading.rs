//! The end: how everything stands, and what reading is like.

use lorebase::Result;
use lorebase::store::{LogQuery, Query, View};

use super::Story;
use crate::look;
use crate::page::{does, heading, quote};

impl Story {
    pub(super) async fn how_it_stands(&self) -> Result<()> {
        heading("10. How it stands");
        look::standing(&self.kb).await?;
        let log = self.kb.log(&LogQuery { limit: 3, ..LogQuery::default() }).await?;
        does("The newest rows of the log:");
        for row in log {
            quote(look::log_row(&row));
        }
        Ok(())
    }

    pub(super) async fn search_and_list(&self) -> Result<()> {
        heading("11. Search and list");
        does("Search for \"scanned pages\":");
        for found in self.kb.search("scanned pages", None, View::Published, 5).await? {
            quote(format_args!("{}/{}  {}", found.entity.kind, found.entity.slug, look::one_line(&found.snippet)));
        }
        let page = self.kb.list(&Query { limit: 100, ..Query::default() }).await?;
        does(format_args!("The list of all {}:", page.total));
        look::table(&page.items);
        Ok(())
    }
}
