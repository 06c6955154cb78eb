"""The table, through sqlite3: as durable as the library's, and as the TypeScript sides have it."""

import json
import sqlite3
from datetime import datetime, timezone

TABLES = """
CREATE TABLE IF NOT EXISTS entity (
  kind TEXT NOT NULL, id TEXT NOT NULL, slug TEXT NOT NULL, path TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
  fields TEXT NOT NULL, body TEXT NOT NULL, blob TEXT, commit_sha TEXT, revision INTEGER NOT NULL,
  sync_status TEXT NOT NULL, synced_at TEXT, PRIMARY KEY (kind, id));
CREATE INDEX IF NOT EXISTS entity_slug ON entity (kind, slug);
CREATE INDEX IF NOT EXISTS entity_title ON entity (kind, title);
CREATE TABLE IF NOT EXISTS sync_state (one INTEGER PRIMARY KEY CHECK (one = 1), commit_sha TEXT NOT NULL);
"""
UPSERT = """
INSERT INTO entity (kind, id, slug, path, title, fields, body, blob, commit_sha, revision, sync_status, synced_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)
ON CONFLICT (kind, id) DO UPDATE SET slug = excluded.slug, path = excluded.path, title = excluded.title,
  fields = excluded.fields, body = excluded.body, blob = excluded.blob, commit_sha = excluded.commit_sha,
  revision = revision + 1, sync_status = excluded.sync_status, synced_at = excluded.synced_at
WHERE blob IS NOT excluded.blob OR path <> excluded.path
"""


def now() -> str:
    return datetime.now(timezone.utc).isoformat()


class Cache:
    def __init__(self, file: str) -> None:
        self.db = sqlite3.connect(file)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.executescript(TABLES)

    def put(self, entity: dict, blob: str | None, commit: str | None) -> None:
        """Sets a row. Like all writes it belongs to the transaction that the next commit ends."""
        self.db.execute(
            UPSERT,
            (
                entity["kind"],
                entity["id"],
                entity["slug"],
                entity["path"],
                entity["title"],
                json.dumps(entity["fields"], ensure_ascii=False),
                entity["body"],
                blob,
                commit,
                "pending" if commit is None else "synced",
                None if commit is None else now(),
            ),
        )

    def remove(self, path: str) -> None:
        self.db.execute("DELETE FROM entity WHERE path = ?", (path,))

    def cursor(self) -> str | None:
        row = self.db.execute("SELECT commit_sha FROM sync_state").fetchone()
        return row and row[0]

    def move_cursor(self, commit: str) -> None:
        self.db.execute("INSERT INTO sync_state VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET commit_sha = excluded.commit_sha", (commit,))
