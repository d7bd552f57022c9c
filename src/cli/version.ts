import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The oldest Node that package.json's `engines` takes. */
export const OLDEST_NODE = '20.19.0';

/** Is `version` (as `20.19.1`) at least `oldest`? */
export function isNodeNewEnough(version: string, oldest: string = OLDEST_NODE): boolean {
  const [have, need] = [version, oldest].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i += 1) {
    const difference = (have?.[i] ?? 0) - (need?.[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * What `--version -v` adds: the digest of the bundled manifest, so that two people can compare what
 * they trust.
 */
export function versionDetails(): string {
  const path = 'manifests/cc-cxri.json';
  const manifest = readFileSync(new URL(`../../${path}`, import.meta.url));
  return `${path}: SHA-256 ${createHash('sha256').update(manifest).digest('hex')}\n`;
}
