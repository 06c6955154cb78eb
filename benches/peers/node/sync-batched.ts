// Synchronising with care: one `git cat-file --batch` gives all contents while rows are parsed and written, and all of
// it is one transaction.

import { spawn } from "node:child_process";
import type { SimpleGit } from "simple-git";
import type { Cache } from "./database.js";
import { type Change, changes, entity, head, isEntity } from "./repository.js";

export async function sync(git: SimpleGit, cache: Cache, folder: string): Promise<void> {
  const commit = await head(git);
  const cursor = cache.cursor;
  if (cursor === commit) return;
  const all = (await changes(git, cursor, commit)).filter(({ path }) => isEntity(path));
  cache.db.exec("BEGIN IMMEDIATE");
  try {
    const written: Change[] = [];
    for (const change of all) {
      if (change.blob === null) cache.remove(change.path);
      else written.push(change);
    }
    let next = 0;
    for await (const text of contents(folder, written)) {
      const { path, blob } = written[next++];
      cache.put(entity(path, text), blob, commit);
    }
    cache.cursor = commit;
    cache.db.exec("COMMIT");
  } catch (error) {
    cache.db.exec("ROLLBACK");
    throw error;
  }
}

async function* contents(folder: string, files: Change[]): AsyncGenerator<string> {
  if (files.length === 0) return;
  const git = spawn("git", ["cat-file", "--batch", "--buffer"], { cwd: folder, stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve, reject) => git.on("error", reject).on("close", resolve));
  git.stdin.end(files.map(({ blob }) => `${blob}\n`).join(""));
  let rest: Buffer = Buffer.alloc(0);
  let given = 0;
  for await (const chunk of git.stdout as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (;;) {
      const line = rest.indexOf(10, at);
      if (line < 0) break;
      const header = rest.toString("latin1", at, line);
      const size = Number(header.slice(header.lastIndexOf(" ") + 1));
      if (!Number.isInteger(size)) throw new Error(`git cat-file says: ${header}`);
      if (rest.length < line + size + 2) break;
      yield rest.toString("utf8", line + 1, line + 1 + size);
      given += 1;
      at = line + size + 2;
    }
    rest = rest.subarray(at);
  }
  const status = await ended;
  if (status !== 0 || given !== files.length) throw new Error(`git cat-file ended with ${status} after ${given} of ${files.length} files`);
}
