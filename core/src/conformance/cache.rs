//! What every [`CacheStore`] does. Each case gets a fresh, empty store and panics where the
//! store behaves differently; [`cache_conformance!`](crate::cache_conformance) makes a named test of each.

#![expect(clippy::unwrap_used, reason = "a case is a test: a panic is its way to fail")]

mod content;
mod fixture;
mod guards;
mod listing;
mod log;
mod places;
mod queues;
mod reading;
mod repository;
mod searching;
mod slots;
mod sources;
mod unique;
mod viewing;

use std::future::Future;
use std::pin::Pin;

pub use self::content::*;
pub use self::guards::*;
pub use self::listing::*;
pub use self::log::*;
pub use self::places::*;
pub use self::queues::*;
pub use self::reading::*;
pub use self::repository::*;
pub use self::searching::*;
pub use self::slots::*;
pub use self::sources::*;
pub use self::unique::*;
pub use self::viewing::*;
use crate::store::CacheStore;

/// One case: what [`cache_conformance!`](crate::cache_conformance) gives to the function that makes a store.
pub type Case = for<'a> fn(&'a dyn CacheStore) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Makes a `#[test]` of every case. `$run` is a `fn(lorebase::conformance::cache::Case)` that makes a fresh store, hands
/// it to the case and blocks until the case is done.
#[macro_export]
macro_rules! cache_conformance {
    ($run:path) => {
        $crate::cache_conformance! { $run =>
            attaching_twice_gives_the_same_repository
            many_repositories_live_side_by_side
            an_unknown_repository_is_not_found
            the_repositorys_row_is_patched_slot_by_slot
            a_free_lease_is_acquired_and_held_against_others
            an_expired_lease_is_taken_over
            the_owner_renews_its_own_lease_under_a_new_fence
            a_dead_owners_lease_is_replaced_only_under_its_fence
            a_released_lease_is_free_and_an_old_fence_releases_nothing
            a_batch_under_an_old_fence_is_refused
            a_batch_extends_the_lease
            a_batch_takes_a_free_lease_and_gives_it_back
            a_batch_does_not_take_a_lease_that_counts
            the_outlook_tells_what_each_call_tells
            prepared_chains_are_kept_until_they_are_settled
            diagnostics_are_replaced_path_by_path
            what_is_written_is_read_back_whole
            a_new_record_whose_key_exists_has_moved
            large_shared_batches_are_guarded_written_and_found
            an_existing_record_with_another_stamp_has_moved
            a_record_of_another_repository_has_moved
            guard_all_writes_nothing_when_one_record_moved
            guard_each_writes_everything_else
            of_two_writers_on_one_stamp_exactly_one_wins
            a_batch_cannot_write_one_record_twice
            every_write_changes_the_stamp
            the_revision_counter_never_goes_back
            a_change_of_id_keeps_number_revisions_and_log
            two_records_swap_their_ids_in_one_batch
            an_id_of_somebody_else_has_moved
            an_id_is_taken_over_by_a_new_record_in_the_same_batch
            a_write_left_alone_keeps_its_id_from_others
            two_records_swap_their_places_in_one_batch
            three_records_pass_their_places_round
            a_place_freed_in_a_batch_is_taken_in_it
            places_that_differ_only_in_case_are_one
            places_that_differ_only_in_normalisation_are_one
            entries_of_one_file_are_places_of_their_own
            a_live_version_cannot_take_the_place_of_another
            a_placed_change_cannot_take_the_place_of_another
            a_placed_change_cannot_take_the_place_of_a_live_version
            a_live_version_cannot_take_the_place_of_a_placed_change
            a_change_without_a_place_stands_beside_anything
            two_new_records_cannot_take_one_place
            a_taken_place_refuses_the_whole_batch
            repositories_do_not_share_places
            a_unique_value_belongs_to_whoever_has_it_first
            every_part_of_a_record_holds_unique_values
            a_unique_value_is_free_when_no_part_has_it
            a_private_unique_value_is_free_while_nothing_is_left_of_its_entity
            a_removal_holds_no_unique_value
            two_records_swap_their_unique_values_in_one_batch
            two_new_records_cannot_take_one_unique_value
            of_two_writers_of_one_unique_value_exactly_one_wins
            a_batch_that_refuses_nothing_leaves_taken_values_alone
            new_rules_give_all_unique_values_anew
            unique_values_are_held_within_one_kind_and_repository
            slots_keep_set_and_clear
            a_conflict_lasts_only_as_long_as_its_change
            an_emptied_record_is_kept_but_not_listed
            private_fields_stay_beside_the_versions
            what_a_source_said_is_kept_by_entity_and_source
            what_a_source_said_is_guarded_like_everything_else
            kept_revisions_are_written_once
            pruning_forgets_old_revisions_and_log_rows_but_not_those_in_use
            pruning_forgets_the_private_fields_of_an_entity_with_its_last_revision
            unicode_survives
            odd_field_names_and_values_survive
            a_body_of_two_megabytes_survives
            every_part_of_a_change_survives
            five_hundred_records_are_written_in_one_batch
            a_log_row_is_completed_and_keeps_its_start
            log_rows_are_filtered_and_newest_first
            log_rows_outlive_the_record_and_follow_its_id
            log_rows_of_no_record_are_found_by_key
            an_idempotency_key_is_used_once
            an_idempotency_key_names_the_record_under_its_new_id
            records_are_read_in_the_order_asked
            records_are_found_by_place
            records_are_found_by_file
            records_are_found_by_slug_of_either_version
            records_are_found_by_the_value_of_a_field
            the_manifest_is_paged_by_path_and_entry
            pending_changes_come_oldest_first
            only_due_changes_are_asked_for
            dead_changes_drafts_and_conflicts_are_listed_apart
            every_record_counts_once_in_its_group
            failures_and_invalid_files_are_counted
            a_pending_write_is_published_and_a_draft_is_not
            a_pending_removal_hides_what_is_live
            a_conflict_shows_gits_version_or_ours
            an_archived_draft_without_live_version_is_working_only
            lists_are_narrowed_by_kind_and_status
            lists_are_filtered_by_equality
            lists_are_filtered_by_order
            lists_are_filtered_by_what_is_contained
            lists_are_filtered_by_membership
            filters_reach_into_mappings
            fields_come_before_the_entitys_own_attributes
            all_filters_must_hold
            a_filter_in_needs_a_list
            lists_are_sorted_by_kind_and_slug
            lists_are_sorted_by_title_and_by_moment
            lists_are_sorted_by_a_field_of_any_type
            descending_turns_the_whole_order_round
            pages_join_without_gaps_or_doubles
            pages_hold_while_records_come_and_go
            pages_of_every_order_join
            a_cursor_belongs_to_its_query
            limits_are_bounded
            hostile_text_in_a_query_is_only_text
            a_search_finds_records_that_hold_every_word
            the_last_word_of_a_search_may_be_a_prefix
            a_search_ignores_case_and_diacritics
            a_search_sees_what_its_view_shows
            a_search_follows_every_change_of_the_text
            what_is_written_in_bulk_is_found_before_and_after_it_is_indexed
            a_search_ranks_titles_before_bodies
            operators_and_quotes_in_a_search_are_harmless
            a_search_is_narrowed_by_kind_and_bounded
            a_snippet_marks_the_found_words
        }
    };
    ($run:path => $($case:ident)+) => {
        $(
            #[test]
            fn $case() {
                $run(|store| ::std::boxed::Box::pin($crate::conformance::cache::$case(store)));
            }
        )+
    };
}
