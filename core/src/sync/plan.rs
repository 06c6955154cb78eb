//! What the knowledge base uses of the plans: deciding a save stays in one place, writing it in another.

pub(crate) use super::patch::named_edits;
pub(crate) use super::save::{
    SaveContext, SavePlan, collapse, hold_to_schema, kept, live_base, log_row, needs_revision, newest, plan_create, plan_delete,
    plan_update,
};
pub(crate) use super::settings::Settings;
pub(crate) use super::source::{decided, differences, refresh, taking, without_id};
pub(crate) use super::stale::version;
pub(crate) use super::straight::Straight;
