//! One file on its way from git to SQL: read, decoded, and either free to be written alone or entangled with others.
//! Pure but for the bytes it is given.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::bind::{Binding, Bound};
use super::incoming::Incoming;
use super::scan::FileTask;
use super::settings::Settings;
use crate::codec::{DecodedFile, decode_file};
use crate::knowledge::{Diagnostic, Kind, KnowledgePath, Severity};
use crate::store::{Batch, BlobId, BlobRead, Record, unique_values};

/// A larger file is not read.
pub(super) const LARGEST_FILE: u64 = 10 * 1024 * 1024;

/// One file as read: what it holds and what is wrong with it.
pub(super) struct Candidate {
    pub(super) path: String,
    pub(super) blob: BlobId,
    pub(super) incoming: Vec<Incoming>,
    pub(super) findings: Vec<Diagnostic>,
    /// Without an error: what is missing in it is really gone.
    pub(super) sound: bool,
}

/// Decodes one file; even a panic of a decoder is only a finding.
pub(super) fn candidate(settings: &Settings, task: &FileTask, read: BlobRead) -> Candidate {
    let path = task.path.as_str();
    let broken =
        |code: &str, message: String| DecodedFile { entities: Vec::new(), diagnostics: vec![Diagnostic::error(path, code, message)] };
    let decoded = match (read, settings.config.kind(&task.kind)) {
        (BlobRead::Found(bytes), Some(kind)) => catch_unwind(AssertUnwindSafe(|| decoded(settings, kind, &task.path, &bytes)))
            .unwrap_or_else(|_| {
                broken("internal", "the file could not be decoded; this is a defect of lorebase, please report the file".to_owned())
            }),
        (BlobRead::TooLarge(size), _) => broken(
            "file.too_large",
            format!("the file has {size} bytes, more than {LARGEST_FILE}; split it or keep it outside the kinds' folders"),
        ),
        (BlobRead::Missing, _) => {
            broken(super::bind::FILE_MISSING, "its content is not in this repository (a partial clone?); fetch it".to_owned())
        }
        (BlobRead::Found(_), None) => broken("internal", format!("the kind `{}` vanished", task.kind)),
    };
    let sound = !decoded.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
    let incoming = decoded.entities.into_iter().map(|decoded| {
        let unique = unique_values(&settings.unique, &task.kind, &decoded.content.fields);
        Incoming { kind: task.kind.clone(), decoded, blob: task.blob.clone(), unique }
    });
    let incoming = incoming.collect();
    Candidate { path: path.to_owned(), blob: task.blob.clone(), incoming, findings: decoded.diagnostics, sound }
}

/// What a file says, held to the schema of its kind.
pub(super) fn decoded(settings: &Settings, kind: &Kind, path: &KnowledgePath, bytes: &[u8]) -> DecodedFile {
    let mut decoded = decode_file(kind, &settings.config.root, path, bytes);
    settings.schemas.check_file(kind, path.as_str(), bytes, &mut decoded);
    decoded
}

/// Takes all entities out of the files, and says which file each was in.
pub(super) fn flatten(candidates: &mut [Candidate]) -> (Vec<Incoming>, Vec<usize>) {
    let mut incoming = Vec::new();
    let mut file_of = Vec::new();
    for (index, candidate) in candidates.iter_mut().enumerate() {
        incoming.append(&mut candidate.incoming);
        file_of.resize(incoming.len(), index);
    }
    (incoming, file_of)
}

pub(super) fn sound_paths<'a>(candidates: &'a [Candidate], gone: &'a [String]) -> HashSet<&'a str> {
    candidates
        .iter()
        .filter(|candidate| candidate.sound)
        .map(|candidate| candidate.path.as_str())
        .chain(gone.iter().map(String::as_str))
        .collect()
}

/// The files of a chunk that cannot be written alone: something of them moves, clashes, vanishes or changes its id.
pub(super) fn entangled_files(
    bound: &Bound,
    records: &[Record],
    incoming: &[Incoming],
    file_of: &[usize],
    candidates: &[Candidate],
    moves: bool,
) -> HashSet<usize> {
    let by_path: HashMap<&str, usize> = candidates.iter().enumerate().map(|(index, candidate)| (candidate.path.as_str(), index)).collect();
    let mut entangled: HashSet<usize> = bound.rejected.iter().map(|(entity, _)| file_of[*entity]).collect();
    for binding in &bound.bindings {
        match *binding {
            Binding::Present { incoming: entity, record, displaced } => {
                let this = &incoming[entity];
                let plain = match record.map(|record| &records[record]) {
                    None => !moves || this.decoded.explicit_id,
                    Some(record) => {
                        let home = record.live.as_ref().is_none_or(|live| live.content.location == this.decoded.content.location);
                        home && record.key == this.key()
                    }
                };
                if !plain || displaced {
                    entangled.insert(file_of[entity]);
                }
            }
            Binding::Absent { record } | Binding::Displaced { record } => {
                let live = records[record].live.as_ref().map(|live| live.content.location.path.as_str());
                let planned = records[record].change.as_ref().map(|change| change.content.location.path.as_str());
                entangled.extend([live, planned].into_iter().flatten().filter_map(|path| by_path.get(path)));
            }
        }
    }
    entangled
}

pub(super) fn note_findings(batch: &mut Batch, flagged: &HashSet<String>, candidate: &Candidate, rejected: &[Diagnostic]) {
    if !candidate.findings.is_empty() || !rejected.is_empty() || flagged.contains(&candidate.path) {
        let findings = candidate.findings.iter().chain(rejected).cloned().collect();
        batch.diagnostics.push((candidate.path.clone(), Some(candidate.blob.clone()), findings));
    }
}
