// Frontmatter alone, read as each package is used. gray-matter is given `{}`: without options it remembers every text it
// has seen. The readers of YAML are given what stands between the fences, found in the plainest way.

import { readFileSync } from "node:fs";
import matter from "gray-matter";
import jsYaml from "js-yaml-4";
import yaml from "yaml";
import type { Job } from "./job.js";

type Fields = Record<string, unknown>;

const between = (text: string): string => text.slice(4, text.indexOf("\n---", 3) + 1);

const readers: Record<string, (text: string) => Fields> = {
  "gray-matter": (text) => matter(text, {}).data,
  "js-yaml": (text) => jsYaml.load(between(text)) as Fields,
  yaml: (text) => yaml.parse(between(text)) as Fields,
};

export function decode(job: Job): { seconds: number[]; fields: number[] } {
  const read = readers[job.style];
  const texts: string[] = readFileSync(job.rows!, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
  const fields = texts.map((text) => {
    try {
      return Object.keys(read(text)).length;
    } catch {
      return -1;
    }
  });
  const seconds = [];
  for (let round = 0; round < job.count!; round++) {
    const start = process.cpuUsage();
    for (const text of texts) {
      try {
        read(text);
      } catch {
        // Counted above.
      }
    }
    const { user, system } = process.cpuUsage(start);
    seconds.push((user + system) / 1e6 / texts.length);
  }
  return { seconds, fields };
}
