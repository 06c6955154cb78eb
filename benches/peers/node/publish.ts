// From rows to git: one saved form, or a whole table. A file is written, added and committed by the git program, whose
// settings (core.fsync) make it wait for the disk as the database does.

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { SimpleGit } from "simple-git";
import type { Cache, Entity } from "./database.js";
import { stringify } from "./frontmatter.js";
import type { Target } from "./job.js";
import { entity, head } from "./repository.js";

// The id that git gives to a text.
function blobOf(text: string): string {
  const bytes = Buffer.from(text, "utf8");
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

// One field of one entity, committed in its author's name before the row says so.
export async function save(git: SimpleGit, cache: Cache, folder: string, target: Target, value: string, author: string): Promise<void> {
  const file = join(folder, target.path);
  const { fields, body } = entity(target.path, await readFile(file, "utf8"));
  fields.filename = value;
  const text = stringify(fields, body);
  await writeFile(file, text);
  await git.add(target.path);
  await git.commit(`Update ${target.kind} ${target.id}`, { "--author": author });
  const commit = await head(git);
  cache.db.transaction(() => {
    cache.put(entity(target.path, text), blobOf(text), commit);
    cache.cursor = commit;
  })();
}

interface Pending extends Omit<Entity, "fields"> {
  fields: string;
}

// Every row that waits: in one commit, or one commit each. The rows are marked in one transaction.
export async function publishAll(git: SimpleGit, cache: Cache, folder: string, each: boolean, author: string): Promise<void> {
  const waiting = cache.db.prepare("SELECT kind, id, path, fields, body FROM entity WHERE sync_status = 'pending' ORDER BY path").all() as Pending[];
  const done: { row: Pending; blob: string; commit: string }[] = [];
  const folders = new Set<string>();
  for (const row of waiting) {
    const text = stringify(JSON.parse(row.fields), row.body);
    const parent = dirname(row.path);
    if (!folders.has(parent)) {
      await mkdir(join(folder, parent), { recursive: true });
      folders.add(parent);
    }
    await writeFile(join(folder, row.path), text);
    let commit = "";
    if (each) {
      await git.add(row.path);
      await git.commit(`Create ${row.kind} ${row.id}`, { "--author": author });
      commit = await head(git);
    }
    done.push({ row, blob: blobOf(text), commit });
  }
  if (!each) {
    await git.add(".");
    await git.commit(`Export ${done.length} entities`, { "--author": author });
  }
  const tip = await head(git);
  const mark = cache.db.prepare("UPDATE entity SET sync_status = 'synced', blob = ?, commit_sha = ?, synced_at = ? WHERE kind = ? AND id = ?");
  cache.db.transaction(() => {
    for (const { row, blob, commit } of done) mark.run(blob, commit || tip, new Date().toISOString(), row.kind, row.id);
    cache.cursor = tip;
  })();
}
