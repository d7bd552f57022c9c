import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isCcxriError } from '../../src/errors.ts';
import { parseManifest } from '../../src/manifest/load.ts';
import { FILE_KEYS, MANIFEST_KEYS } from '../../src/manifest/schema.ts';
import { nextSaying } from '../support/matchers.ts';

const pathOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const text = await readFile(pathOf('docs/manifest.md'), 'utf8');
const example = /^```json\n(.*?)^```$/ms.exec(text)?.[1] ?? '';

describe('docs/manifest.md', () => {
  it('has an example that is a manifest, with every key of the form', () => {
    const { files, ...release } = parseManifest(example);
    expect([...Object.keys(release), 'files']).toEqual(MANIFEST_KEYS);
    expect(Object.keys(files[0] ?? {})).toEqual(FILE_KEYS);
  });

  it('explains every key, and says truly which may be left out', () => {
    const rows = text.matchAll(/^\| `(\w+)` +\|.*\| (required|optional) +\|$/gm);
    const told = [...rows].map(([, key = '', need]) => [key, need] as const);
    expect(told.map(([key]) => key)).toEqual([...MANIFEST_KEYS, ...FILE_KEYS]);
    const optional = told.filter(([, need]) => need === 'optional').map(([key]) => key);
    const keys = [...MANIFEST_KEYS, ...FILE_KEYS];
    expect(optional).toEqual(keys.filter((key) => isAcceptedWithout(key)));
    expect(MANIFEST_KEYS.filter((key) => isAcceptedWithout(key))).toEqual(['bibtex', 'counts']);
  });

  it('is where the error of a wrong manifest leads, and README.md too', async () => {
    expect(await readFile(pathOf('README.md'), 'utf8')).toContain('(docs/manifest.md)');
    expect(() => parseManifest('{}')).toThrow(
      expect.objectContaining({
        next: nextSaying(pathOf('docs/manifest.md')),
      }),
    );
  });
});

/** Is the example still a manifest where no object has this key? */
function isAcceptedWithout(key: string): boolean {
  const parsed: unknown = JSON.parse(example);
  const without = (name: string, value: unknown) => (name === key ? undefined : value);
  try {
    parseManifest(JSON.stringify(parsed, without));
    return true;
  } catch (error) {
    if (!isCcxriError(error, 'manifest-invalid')) throw error;
    return false;
  }
}
