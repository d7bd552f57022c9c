import { readFileSync } from 'node:fs';

/** From package.json, two folders up from src/fs/ and from the bundle's dist/bin/. */
export function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const json: unknown = JSON.parse(text);
  if (typeof json === 'object' && json !== null && 'version' in json) return String(json.version);
  return 'unknown';
}
