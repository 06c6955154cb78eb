// Reads documents (a JSON array of frontmatter blocks, on standard input) with the YAML readers of the npm world and
// prints what each of them makes of each: {reader: [value or {error}]}. The packages stand in the folder given.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(`${process.argv[2]}/`);
const matter = require('gray-matter');
const jsYaml = require('js-yaml');
const yaml = require('yaml');

const documents = JSON.parse(readFileSync(0, 'utf8'));
const inner = (text) => text.slice('---\n'.length, -'---\n'.length);
const readers = {
  // Without options gray-matter answers from a cache.
  'gray-matter': (text) => matter(text, {}).data,
  'js-yaml': (text) => jsYaml.load(inner(text)),
  yaml: (text) => yaml.parse(inner(text)),
};

const read = (reader) => documents.map((text) => {
  try {
    return reader(text);
  } catch (error) {
    return { error: String(error.message) };
  }
});
console.log(JSON.stringify(Object.fromEntries(Object.entries(readers).map(([name, reader]) => [name, read(reader)]))));
