import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { rootPath } from '../../scripts/generated-docs.ts';
import { COMMAND_NAMES, OPTIONS, OPTION_KEYS, variableOf } from '../../src/cli/options.ts';

const PAGE = rootPath('docs/ccxri.1');

/** That the page is as the code makes it is among the generated documents (readme.test.ts). */
describe('the man page', () => {
  const run = async (program: string, args: readonly string[]) => {
    const env = { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '200', MAN_KEEP_FORMATTING: '' };
    const { stdout, stderr } = await promisify(execFile)(program, [...args, PAGE], { env });
    return stdout + stderr;
  };

  it('has nothing that mandoc remarks on', async () => {
    expect(await run('mandoc', ['-T', 'lint'])).toBe('');
  });

  it.each([
    ['mandoc', ['-T', 'utf8', '-O', 'width=200']],
    ['man', ['--warnings=w', '-l']],
  ])('is shown by %s with each command, option, variable and exit code', async (program, args) => {
    const shown = (await run(program, args)).replaceAll(/.\u0008/g, '');
    for (const name of COMMAND_NAMES) expect(shown).toMatch(new RegExp(`^ +${name}\\b`, 'm'));
    for (const key of OPTION_KEYS) {
      expect(shown).toContain(OPTIONS[key].long);
      expect(shown).toContain(variableOf(key));
    }
    expect(shown).toMatch(/^ +143 +terminated/m);
    for (const bad of [': warning:', '\\[u', '\\(']) expect(shown).not.toContain(bad);
  });

  it('comes with the package', async () => {
    const text = await readFile(rootPath('package.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ man: ['docs/ccxri.1'] });
  });
});
