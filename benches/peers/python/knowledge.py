"""Synchronising, saving and exporting, through GitPython.

Contents are read by GitPython's own `git cat-file --batch`. Commits are made by the git program (`repo.git`), because
GitPython's own writing of objects does not wait for the disk.
"""

import hashlib
import json
from pathlib import Path

import git
from database import Cache, now
from markdown import parse, stringify

FOLDERS = {"skills": ("skill", "title"), "customers": ("customer", "name"), "documents": ("document", "title")}


def is_entity(path: str) -> bool:
    return path.endswith(".md") and path.split("/", 1)[0] in FOLDERS


def entity(path: str, text: str) -> dict:
    folder, rest = path.split("/", 1)
    kind, title = FOLDERS[folder]
    fields, body = parse(text)
    return {
        "kind": kind,
        "id": str(fields["id"]),
        "slug": rest.removesuffix(".md"),
        "path": path,
        "title": str(fields[title]),
        "fields": fields,
        "body": body,
    }


def changed(repo: git.Repo, cursor: str | None, head: git.Commit):
    """The blobs to read, and the paths that are gone."""
    if cursor is None:
        return [item for item in head.tree.traverse() if item.type == "blob"], []
    diff = repo.commit(cursor).diff(head, no_renames=True)
    return [item.b_blob for item in diff if item.b_blob], [item.a_path for item in diff if not item.b_blob]


def sync(repo: git.Repo, cache: Cache) -> None:
    head = repo.head.commit
    cursor = cache.cursor()
    if cursor == head.hexsha:
        return
    blobs, gone = changed(repo, cursor, head)
    for path in gone:
        cache.remove(path)
    for blob in blobs:
        if is_entity(blob.path):
            text = blob.data_stream.read().decode("utf-8")
            cache.put(entity(blob.path, text), blob.hexsha, head.hexsha)
    cache.move_cursor(head.hexsha)
    cache.db.commit()


def blob_of(text: str) -> str:
    data = text.encode("utf-8")
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def save(repo: git.Repo, cache: Cache, target: dict, value: str, author: str) -> None:
    file = Path(repo.working_dir, target["path"])
    fields, body = parse(file.read_text("utf-8"))
    fields["filename"] = value
    text = stringify(fields, body)
    file.write_text(text, "utf-8")
    repo.git.add(target["path"])
    repo.git.commit("-q", "-m", f"Update {target['kind']} {target['id']}", author=author)
    commit = repo.head.commit.hexsha
    cache.put(entity(target["path"], text), blob_of(text), commit)
    cache.move_cursor(commit)
    cache.db.commit()


def export(repo: git.Repo, cache: Cache, each: bool, author: str) -> None:
    done = []
    waiting = cache.db.execute("SELECT kind, id, path, fields, body FROM entity WHERE sync_status = 'pending' ORDER BY path").fetchall()
    for kind, name, path, fields, body in waiting:
        text = stringify(json.loads(fields), body)
        file = Path(repo.working_dir, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        commit = None
        if each:
            repo.git.add(path)
            repo.git.commit("-q", "-m", f"Create {kind} {name}", author=author)
            commit = repo.head.commit.hexsha
        done.append((blob_of(text), commit, now(), kind, name))
    if not each:
        repo.git.add(".")
        repo.git.commit("-q", "-m", f"Export {len(done)} entities", author=author)
    tip = repo.head.commit.hexsha
    cache.db.executemany(
        "UPDATE entity SET sync_status = 'synced', blob = ?, commit_sha = ?, synced_at = ? WHERE kind = ? AND id = ?",
        [(blob, commit or tip, at, kind, name) for blob, commit, at, kind, name in done],
    )
    cache.move_cursor(tip)
    cache.db.commit()
