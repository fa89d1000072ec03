// Holds docs/asyncapi.yaml against AsyncAPI's own parser: no error; and what is broken on purpose is one.
// usage: check_asyncapi.mjs <folder with node_modules> <document>
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const [, , modules, file] = process.argv;
const require = createRequire(`${modules}/`);
const { Parser } = require('@asyncapi/parser');
const { AvroSchemaParser } = require('@asyncapi/avro-schema-parser');

const parser = new Parser();
parser.registerSchemaParser(AvroSchemaParser());
const SEVERITIES = ['error', 'warning', 'information', 'hint'];

async function judge(text) {
  const { document, diagnostics } = await parser.parse(text, { source: file });
  return { document, errors: diagnostics.filter((found) => found.severity === 0), diagnostics };
}

const text = await readFile(file, 'utf8');
const faults = [];
const { document, errors, diagnostics } = await judge(text);
for (const found of diagnostics) {
  console.log(`${SEVERITIES[found.severity]} ${found.code} at ${found.path.join('/')}: ${found.message}`);
}
faults.push(...errors.map((found) => found.message));

const payloads = new Map();
for (const message of document?.allMessages().all() ?? []) {
  payloads.set(message.name(), Object.keys(message.payload()?.properties() ?? {}).length);
}
for (const [name, least] of [['CertificateEnrolled', 8], ['CertificateRenewed', 8], ['StoreInventory', 9],
  ['ReplaceCommand', 11], ['StoreJob', 18], ['ReplaceResult', 15]]) {
  if (!(payloads.get(name) >= least)) {
    faults.push(`${name} has ${payloads.get(name)} fields as the parser sees it, not ${least}`);
  }
}

const breaks = [
  ['an action that is none', 'action: receive', 'action: listen'],
  ['a channel that is not there', "$ref: '#/channels/enrollments'", "$ref: '#/channels/nothing'"],
  ['a schema file that is not there', 'certificate-enrolled.avsc', 'nothing.avsc'],
  ['headers that are not there', "'#/components/schemas/inputHeaders'", "'#/components/schemas/nothing'"],
];
for (const [what, from, to] of breaks) {
  if (!text.includes(from) || (await judge(text.replace(from, to))).errors.length === 0) {
    faults.push(`the parser takes ${what}`);
  }
}
for (const fault of faults) {
  console.error(fault);
}
process.exit(faults.length > 0 ? 1 : 0);
