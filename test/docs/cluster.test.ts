import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { rootPath } from '../../scripts/generated-docs.ts';
import { shardOf } from '../../src/cli/array-task.ts';
import { settingsOf } from '../support/settings.ts';

const page = await readFile(rootPath('docs/cluster.md'), 'utf8');

/** The code of a section, by its language. */
function blockOf(title: string, language: string): string {
  const section = new RegExp(`^## ${title}\\n(.*?)(?=^## |(?![^]))`, 'ms').exec(page)?.[1] ?? '';
  const block = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(section)?.[1];
  if (block === undefined) throw new Error(`no ${language} in ${title}`);
  return block;
}

/** The words of each ccxri command, with values for what is filled in. */
function commandsOf(text: string): readonly (readonly string[])[] {
  const filled = text
    .replaceAll('"$SLURM_ARRAY_TASK_ID/8"', '3/8')
    .replace(/\$\(printf -- '(.*?)%d ' .*?\)/g, '$11')
    .replace(/\{wildcards\.i\}|\$\{i\}/g, '3')
    .replace(/'?\$\{params\.dest\}'?|\{DEST\}/g, 'set');
  return [...filled.matchAll(/\bccxri ([a-z]+ -[^"'`&|\n]*|join\b)/g)].map(([, words = '']) =>
    words.trim().split(/\s+/),
  );
}

describe('docs/cluster.md', () => {
  it.each([
    ['Slurm', 'bash'],
    ['Kubernetes', 'yaml'],
    ['Snakemake', 'python'],
    ['Nextflow', 'groovy'],
  ])('has command lines for %s that ccxri takes', (title, language) => {
    const commands = commandsOf(blockOf(title, language));
    const fetch = commands.find(([name]) => name === 'fetch') ?? [];
    expect(settingsOf(fetch).shard).toBeDefined();
    for (const words of commands) expect(() => settingsOf(words), words.join(' ')).not.toThrow();
  });

  it('has no other command line that ccxri does not take', () => {
    const commands = commandsOf(page);
    expect(commands.length).toBeGreaterThan(6);
    for (const words of commands) expect(() => settingsOf(words), words.join(' ')).not.toThrow();
  });

  it('gives each pod of Kubernetes another shard of as many as there are pods', () => {
    const yaml = blockOf('Kubernetes', 'yaml');
    const completions = Number(/^ {2}completions: (\d+)$/m.exec(yaml)?.[1]);
    expect(yaml).toMatch(/^apiVersion: batch\/v1\nkind: Job\n/);
    // What the removal of the lock rests on.
    expect(yaml).toMatch(/^ {2}completionMode: Indexed$/m);
    expect(yaml).toMatch(/^ {2}podReplacementPolicy: Failed$/m);
    expect(yaml).toMatch(/^ {6}restartPolicy: Never$/m);
    expect(yaml).not.toMatch(/\t/);
    const [fetch = []] = commandsOf(yaml);
    const { shard } = settingsOf(fetch);
    const shards = Array.from({ length: completions }, (_, index) =>
      shardOf(shard, { JOB_COMPLETION_INDEX: `${index}` }),
    );
    expect(shards).toEqual(shards.map((_, at) => ({ index: at + 1, count: completions })));
    expect(yaml).toContain(`lock.shard-$((JOB_COMPLETION_INDEX + 1))-of-${completions}.`);
  });
});
