import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DescribedOutput } from './described-output.ts';

/** Runs `ccxri config` with settings from everywhere, and `ccxri completion`. */
export async function describeConfigRuns(
  described: DescribedOutput,
  tempDir: () => Promise<string>,
): Promise<void> {
  const root = await tempDir();
  await mkdir(join(root, 'ccxri'));
  await writeFile(join(root, 'ccxri/ccxri.config.json'), '{"retries": 3}');
  const env = { XDG_CONFIG_HOME: root, CCXRI_SOURCE: '/a\n/b', CCXRI_STRICT: '1' };
  await described.expect(0, () => ['config', root, '--color', 'never'], { env });
  await described.expect(0, () => ['completion', 'fish']);
}
