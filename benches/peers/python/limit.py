"""What SQLite takes to hold the rows at all: all of them in one `executemany` and one transaction, with nothing read
and nothing parsed, and then what one full-text index over them takes, built at once."""

import json
import sqlite3
import sys
import time

from database import TABLES


def main() -> None:
    job = json.loads(sys.argv[1])
    with open(job["rows"], encoding="utf-8") as lines:
        entities = [json.loads(line) for line in lines]
    rows = [
        (e["kind"], e["id"], e["slug"], e["path"], e["title"], json.dumps(e["fields"], ensure_ascii=False), e["body"], "0" * 40, "0" * 40)
        for e in entities
    ]
    db = sqlite3.connect(job["db"])
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.executescript(TABLES)
    start = time.perf_counter()
    db.executemany("INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 'synced', '2026-01-01T00:00:00.000Z')", rows)
    db.commit()
    inserted = time.perf_counter()
    db.executescript(
        "CREATE VIRTUAL TABLE entity_fts USING fts5 (title, fields, body, content = 'entity', tokenize = 'unicode61 remove_diacritics 2');"
        "INSERT INTO entity_fts (entity_fts) VALUES ('rebuild');"
    )
    indexed = time.perf_counter()
    print(json.dumps({"seconds": [inserted - start, indexed - inserted], "durability": "wal 2", "versions": {}}))


main()
