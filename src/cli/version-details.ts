import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * What `--version -v` says besides: the digest of the manifest that ships, for two people to compare
 * what they trust. As package.json, it lies two folders up from here and from dist/bin/ alike.
 */
export function versionDetails(): string {
  const path = 'manifests/cc-cxri.json';
  const manifest = readFileSync(new URL(`../../${path}`, import.meta.url));
  return `${path}: SHA-256 ${createHash('sha256').update(manifest).digest('hex')}\n`;
}
