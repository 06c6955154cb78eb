// The table, through better-sqlite3: as durable as the library's (a commit waits for the disk), with prepared
// statements, and with the indexes that a form needs.

import Database from "better-sqlite3";
import type { Fields } from "./frontmatter.js";

export interface Entity {
  kind: string;
  id: string;
  slug: string;
  path: string;
  title: string;
  fields: Fields;
  body: string;
}

export class Cache {
  readonly db: Database.Database;
  private readonly upsert: Database.Statement;

  constructor(file: string) {
    this.db = new Database(file);
    this.db.pragma("journal_mode = WAL");
    this.db.pragma("synchronous = FULL");
    this.db.exec(`
      CREATE TABLE IF NOT EXISTS entity (
        kind TEXT NOT NULL, id TEXT NOT NULL, slug TEXT NOT NULL, path TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
        fields TEXT NOT NULL, body TEXT NOT NULL, blob TEXT, commit_sha TEXT, revision INTEGER NOT NULL,
        sync_status TEXT NOT NULL, synced_at TEXT, PRIMARY KEY (kind, id));
      CREATE INDEX IF NOT EXISTS entity_slug ON entity (kind, slug);
      CREATE INDEX IF NOT EXISTS entity_title ON entity (kind, title);
      CREATE TABLE IF NOT EXISTS sync_state (one INTEGER PRIMARY KEY CHECK (one = 1), commit_sha TEXT NOT NULL);
    `);
    this.upsert = this.db.prepare(`
      INSERT INTO entity (kind, id, slug, path, title, fields, body, blob, commit_sha, revision, sync_status, synced_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)
      ON CONFLICT (kind, id) DO UPDATE SET slug = excluded.slug, path = excluded.path, title = excluded.title,
        fields = excluded.fields, body = excluded.body, blob = excluded.blob, commit_sha = excluded.commit_sha,
        revision = revision + 1, sync_status = excluded.sync_status, synced_at = excluded.synced_at
      WHERE blob IS NOT excluded.blob OR path <> excluded.path`);
  }

  put(entity: Entity, blob: string | null, commit: string | null): void {
    this.upsert.run(
      entity.kind,
      entity.id,
      entity.slug,
      entity.path,
      entity.title,
      JSON.stringify(entity.fields),
      entity.body,
      blob,
      commit,
      commit === null ? "pending" : "synced",
      commit === null ? null : new Date().toISOString(),
    );
  }

  remove(path: string): void {
    this.db.prepare("DELETE FROM entity WHERE path = ?").run(path);
  }

  get cursor(): string | undefined {
    return this.db.prepare("SELECT commit_sha FROM sync_state").pluck().get() as string | undefined;
  }

  set cursor(commit: string) {
    this.db.prepare("INSERT INTO sync_state VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET commit_sha = excluded.commit_sha").run(commit);
  }
}
