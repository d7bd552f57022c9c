import { spawnSync } from 'node:child_process';

const PYTHON = '/usr/bin/python3';

export const hasPandas = spawnSync(PYTHON, ['-c', 'import pandas, PIL']).status === 0;
if (!hasPandas) {
  console.warn('SKIPPED: pandas is not here (apt-get install python3-pandas); no export is read');
}

/**
 * What a script of Python prints as JSON, read back. It has `pd`, `np`, `Image` of PIL, `os`, and its arguments.
 * @throws Error with what Python says
 */
export function runPandas(script: string, ...args: readonly string[]): unknown {
  const head = 'import json, os, sys\nimport numpy as np, pandas as pd\nfrom PIL import Image\n';
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', head + script, ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`pandas: ${stderr}`);
  return JSON.parse(stdout);
}
