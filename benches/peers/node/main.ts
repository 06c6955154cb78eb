// One side of the race: does the job that the runner names, and says how long it took and with what.

import { readFileSync } from "node:fs";
import { decode } from "./decode.js";
import { Cache, type Entity } from "./database.js";
import { type Job, timed } from "./job.js";
import { publishAll, save } from "./publish.js";
import { open } from "./repository.js";
import * as batched from "./sync-batched.js";
import * as rows from "./sync-rows.js";

const job: Job = JSON.parse(process.argv[2]);
const version = (name: string): string =>
  JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url), "utf8")).version;

if (job.job === "decode") {
  const { seconds, fields } = decode(job);
  const versions = {
    node: process.version.slice(1),
    "gray-matter": version("gray-matter"),
    "js-yaml 4": version("js-yaml-4"),
    yaml: version("yaml"),
  };
  console.log(JSON.stringify({ seconds, fields, durability: "", versions }));
  process.exit(0);
}
const { sync } = job.style === "rows" ? rows : batched;
const seconds: number[] = [];
let cache: Cache;

if (job.job === "initial") {
  seconds.push(
    await timed(async () => {
      cache = new Cache(job.db);
      await sync(open(job.repo), cache, job.repo);
    }),
  );
} else {
  cache = new Cache(job.db);
  const git = open(job.repo);
  switch (job.job) {
    case "noop":
      await sync(git, cache, job.repo);
      for (let run = 0; run < job.count!; run++) seconds.push(await timed(() => sync(git, cache, job.repo)));
      break;
    case "small":
      seconds.push(await timed(() => sync(git, cache, job.repo)));
      break;
    case "save":
      for (const target of job.targets!) {
        seconds.push(await timed(() => save(git, cache, job.repo, target, job.value!, job.author!)));
      }
      break;
    case "export": {
      const lines = readFileSync(job.rows!, "utf8").trimEnd().split("\n");
      cache.db.transaction(() => {
        for (const line of lines) cache.put(JSON.parse(line) as Entity, null, null);
      })();
      seconds.push(await timed(() => publishAll(git, cache, job.repo, job.each!, job.author!)));
      break;
    }
  }
}

const report = {
  seconds,
  durability: [cache!.db.pragma("journal_mode", { simple: true }), cache!.db.pragma("synchronous", { simple: true })].join(" "),
  versions: {
    node: process.version.slice(1),
    "better-sqlite3": version("better-sqlite3"),
    "SQLite of better-sqlite3": cache!.db.prepare("SELECT sqlite_version()").pluck().get(),
    "gray-matter": version("gray-matter"),
    "js-yaml": version("js-yaml"),
    "simple-git": version("simple-git"),
    tsx: version("tsx"),
  },
};
cache!.db.close();
console.log(JSON.stringify(report));
