// What the runner asks for, and what it is told. One job a process; the seconds are taken inside it, so starting the
// process and loading the packages costs nobody anything.

export interface Target {
  kind: string;
  id: string;
  path: string;
}

export interface Job {
  job: "initial" | "noop" | "small" | "save" | "export" | "decode";
  // How rows are read and written: all at once, or one after the other; decode: who reads.
  style: "batched" | "rows" | "gray-matter" | "js-yaml" | "yaml";
  repo: string;
  db: string;
  // noop and decode: how often; save: what; export: the rows to fill the table with, and whether each gets its own
  // commit; decode: the texts, one a line.
  count?: number;
  targets?: Target[];
  value?: string;
  rows?: string;
  each?: boolean;
  author?: string;
}

export async function timed(work: () => Promise<void>): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}
