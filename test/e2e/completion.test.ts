import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROGRAM, useProgram } from '../support/program.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const { command } = useProgram();

/** A directory to work in, with a dataset directory of a hostile manifest, and a PATH that has ccxri. */
async function makeDesk() {
  const root = await tempDir();
  const [bin, cwd] = [join(root, 'bin'), join(root, 'work dir')];
  for (const each of [bin, join(cwd, 'theirs/.ccxri'), join(cwd, 'set one'), join(root, 'home')]) {
    await mkdir(each, { recursive: true });
  }
  await symlink(PROGRAM, join(bin, 'ccxri'));
  await writeFile(join(cwd, 'page one.html'), '');
  const bad = ['$(touch pwned)', '`touch pwned`', 'x;touch pwned', 'x\ntouch pwned'];
  const files = bad.map((name) => ({ name: `${name}.zip`, subsets: [`${name}s`, 'vital'] }));
  await writeFile(join(cwd, 'theirs/.ccxri/manifest.json'), JSON.stringify({ files }));
  const env = {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    HOME: join(root, 'home'),
    LANG: 'C.UTF-8',
  };
  /** What a shell prints, without an error, and without having run a word of the manifest. */
  const run = async (shell: string, args: readonly string[], script: string) => {
    const file = join(root, `script.${shell}`);
    await writeFile(file, script);
    const { code, stdout, stderr } = await command(shell, [...args, file], { ...env, WORK: cwd });
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(await readdir(cwd)).toEqual(['page one.html', 'set one', 'theirs']);
    expect(await readdir(join(cwd, 'theirs'))).toEqual(['.ccxri']);
    return stdout;
  };
  return run;
}

/** A question, and an answer that it has. */
const LINES: readonly (readonly [words: readonly string[], answer: readonly string[]])[] = [
  [['fet'], ['fetch']],
  [
    ['fetch', '--subset', 'ch'],
    ['chestdx', 'chestdx-pe'],
  ],
  [['fetch', '--subset', 'chestdx,vi'], ['chestdx,viral']],
  [['fetch', '--file', 'ChestDx-51'], ['ChestDx-51']],
  [['query', '--label', 'Her'], ['Hernia']],
  [['fetch', '--keep'], ['--keep-good']],
  [['list', '--color', 'n'], ['never']],
];

const HOSTILE = ['fetch', '--dest', 'theirs', '--subset', ''];

it('bash completes commands, options, subsets, lists, files, labels and paths', async () => {
  const run = await makeDesk();
  const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');
  const ask = (words: readonly string[]) =>
    `COMP_WORDS=(ccxri ${quoted(words)}); COMP_CWORD=${words.length}; _ccxri; sorted`;
  const asked = [
    ...LINES.map(([words]) => words),
    ['fetch', '--subset', '=', 'vi'],
    ['fetch', '--dest', 'set'],
    ['fetch', '--source', 'p'],
    ['fetch', '--source', '=', 'p'],
    ['fetch', '--source', '='],
    HOSTILE,
    ['fetch', '--subset', '$(touch pwned)'],
  ];
  const said = await run(
    'bash',
    ['--norc'],
    `cd "$WORK"; set -u; source <(ccxri completion bash)
sorted() { printf '%s\\n' "\${COMPREPLY[@]-}" | LC_ALL=C sort | paste -sd'|'; }
${asked.map(ask).join('\n')}\ncomplete -p ccxri`,
  );
  expect(said.trimEnd().split('\n')).toEqual([
    ...LINES.map(([, answers]) => answers.join('|')),
    ...['viral', 'set one', 'page one.html', 'page one.html'],
    ...['page one.html|set one|theirs', 'all|vital', ''],
    'complete -F _ccxri ccxri',
  ]);
});

it('fish completes them too, with what they mean', async () => {
  const run = await makeDesk();
  const asked = [
    ...LINES.map(([words]) => words),
    ['fetch', '--subset=vi'],
    ['fetch', '--dest', 'set'],
    ['fetch', '--source', 'page'],
    ['fetch', '--source=page'],
    HOSTILE,
  ];
  const lines = asked.map((words) => `complete -C"ccxri ${words.join(' ')}"; echo ==`);
  const said = await run(
    'fish',
    ['--no-config'],
    `cd "$WORK"; ccxri completion fish | source\n${lines.join('\n')}\n`,
  );
  const answers = said.split('==\n').slice(0, -1);
  const words = answers.map((each) =>
    each
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[0]),
  );
  expect(words).toEqual([
    ...LINES.map(([, expected]) => expected),
    ...[
      ['--subset=viral'],
      ['set one/'],
      ['page one.html'],
      ['--source=page one.html'],
      ['all', 'vital'],
    ],
  ]);
  expect(answers[0]).toMatch(/^fetch\tdownload, check/);
});

it('zsh completes them too, as they are typed', async () => {
  const run = await makeDesk();
  const asked = [
    ['fet', 'fetch '],
    ['fetch --subset vi', 'fetch --subset viral '],
    ['fetch --subset=vi', 'fetch --subset=viral '],
    ['fetch --subset chestdx,vi', 'fetch --subset chestdx,viral '],
    ['query --label Her', 'query --label Hernia '],
    ['fetch --keep', 'fetch --keep-good '],
    ['fetch --dest se', 'fetch --dest set\\ one/'],
    ['fetch --source pa', 'fetch --source page\\ one.html '],
    ['fetch --source=pa', 'fetch --source=page\\ one.html '],
    ['fetch --dest theirs --subset v', 'fetch --dest theirs --subset vital '],
    ['fetch --dest theirs --file ', 'fetch --dest theirs --file '],
  ] as const;
  const typing = asked.map(
    ([line]) => `zpty -w -n z 'ccxri ${line}'$'\\t\\x18'
zpty -r z out '*BUFFER=<*>*'
print -r -- "\${\${out##*BUFFER=<ccxri }%%>*}"
zpty -w -n z $'\\x15'`,
  );
  const said = await run(
    'zsh',
    ['-f'],
    `cd "$WORK"; zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1=; autoload -Uz compinit; compinit -u -D; eval "$(ccxri completion zsh)"'
zpty -w z 'show() { print -r -- "BUFFER=<$BUFFER>" }; zle -N show; bindkey -e; bindkey "^X" show; bindkey "^I" complete-word'
zpty -w z 'echo RE""ADY'
zpty -r z out '*READY*'
${typing.join('\n')}
zpty -w -n z 'ccxri fetch --subset ch'$'\\t\\t'
zpty -r z out '*chestdx-pe*'
zpty -d z
`,
  );
  expect(said.split('\n').slice(0, -1)).toEqual(asked.map(([, expected]) => expected));
});
