// Synchronising the way it is written first: each file is read from the work tree, parsed and saved, one after the
// other. What a crash leaves is found again by the next run, because the cursor moves last.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SimpleGit } from "simple-git";
import type { Cache } from "./database.js";
import { changes, entity, head, isEntity } from "./repository.js";

export async function sync(git: SimpleGit, cache: Cache, folder: string): Promise<void> {
  const commit = await head(git);
  const cursor = cache.cursor;
  if (cursor === commit) return;
  for (const { path, blob } of await changes(git, cursor, commit)) {
    if (!isEntity(path)) continue;
    if (blob === null) {
      cache.remove(path);
    } else {
      cache.put(entity(path, await readFile(join(folder, path), "utf8")), blob, commit);
    }
  }
  cache.cursor = commit;
}
