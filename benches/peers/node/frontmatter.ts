// Markdown with frontmatter through gray-matter. It is always called with options: without any it remembers every text
// it has seen, for ever. YAML's JSON schema leaves dates as the file has them; by default they would become JavaScript
// dates, and be written back as something else.

import matter from "gray-matter";
import yaml from "js-yaml";

const options = {
  engines: {
    yaml: {
      parse: (text: string): object => yaml.safeLoad(text, { schema: yaml.JSON_SCHEMA }) as object,
      stringify: (data: object): string => yaml.safeDump(data, { schema: yaml.JSON_SCHEMA, lineWidth: -1 }),
    },
  },
};

export type Fields = Record<string, unknown>;

export function parse(text: string): { fields: Fields; body: string } {
  const file = matter(text, options);
  return { fields: file.data, body: file.content };
}

export function stringify(fields: Fields, body: string): string {
  return matter.stringify(body, fields, options);
}
