import { spawnSync } from 'node:child_process';

const PYTHON = '/usr/bin/python3';

export const hasRdflib =
  spawnSync(PYTHON, ['-c', 'import rdflib.plugins.parsers.jsonld']).status === 0;
if (!hasRdflib) {
  console.warn('SKIPPED: rdflib is not here (apt-get install python3-rdflib); no JSON-LD is read');
}

const SCRIPT = `
import json, sys, rdflib
graph = rdflib.Graph().parse(data=sys.stdin.read(), format='json-ld', publicID='file:///d/')
print(json.dumps([[str(part) for part in triple] for triple in graph]))
`;

type Triple = readonly [subject: string, predicate: string, object: string];

/** The triples of a JSON-LD document, as Python's rdflib reads it. @throws Error with what it says */
export function triplesOf(document: string): readonly Triple[] {
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', SCRIPT], {
    input: document,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`rdflib: ${stderr}`);
  return JSON.parse(stdout) as readonly Triple[];
}
