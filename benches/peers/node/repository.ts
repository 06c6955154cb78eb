// The repository, through simple-git: what is in a commit, and what changed since another one.

import { simpleGit, type SimpleGit } from "simple-git";
import type { Entity } from "./database.js";
import { parse } from "./frontmatter.js";

export interface Change {
  path: string;
  // The blob; null for a file that is gone.
  blob: string | null;
}

export const open = (folder: string): SimpleGit => simpleGit(folder);

export async function head(git: SimpleGit): Promise<string> {
  return (await git.revparse(["HEAD"])).trim();
}

// Every file, or what changed since a commit.
export async function changes(git: SimpleGit, since: string | undefined, commit: string): Promise<Change[]> {
  if (since === undefined) {
    const listing = await git.raw(["ls-tree", "-r", "-z", commit]);
    return listing
      .split("\0")
      .filter((line) => line !== "")
      .map((line) => ({ blob: line.slice(12, line.indexOf("\t")), path: line.slice(line.indexOf("\t") + 1) }));
  }
  const parts = (await git.raw(["diff-tree", "-r", "-z", "--no-renames", since, commit])).split("\0");
  const found: Change[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [, , , blob, status] = parts[at].split(" ");
    found.push({ blob: status === "D" ? null : blob, path: parts[at + 1] });
  }
  return found;
}

const FOLDERS: Record<string, { kind: string; title: string }> = {
  skills: { kind: "skill", title: "title" },
  customers: { kind: "customer", title: "name" },
  documents: { kind: "document", title: "title" },
};

// Whether a file is an entity's.
export function isEntity(path: string): boolean {
  return path.endsWith(".md") && path.slice(0, path.indexOf("/")) in FOLDERS;
}

export function entity(path: string, text: string): Entity {
  const slash = path.indexOf("/");
  const rules = FOLDERS[path.slice(0, slash)];
  const { fields, body } = parse(text);
  return {
    kind: rules.kind,
    id: String(fields.id),
    slug: path.slice(slash + 1, -".md".length),
    path,
    title: String(fields[rules.title]),
    fields,
    body,
  };
}
