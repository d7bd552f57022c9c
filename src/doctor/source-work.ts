import type { Clock } from '../clock.ts';
import type { HttpClient } from '../http/client.ts';
import type { ProxySettings } from '../http/proxy.ts';
import type { Wall } from '../http/walls.ts';
import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { parseAddress, toFileUrl } from '../sources/address.ts';
import { toPrintable, toPrintableUrl } from '../text.ts';
import type { Examination, Subject } from './examination.ts';

/** What looking at the network needs. */
export interface NetworkWork {
  readonly examination: Examination;
  readonly manifest: Manifest;
  /** The files that are to be fetched. */
  readonly files: readonly ManifestFile[];
  /** As typed; empty: the manifest's homepage. */
  readonly sources: readonly string[];
  /** Where a saved page was. */
  readonly pageUrl: string | undefined;
  readonly client: HttpClient;
  readonly proxies: ProxySettings;
  readonly clock: Clock;
}

/** One source of them. */
export interface SourceWork extends NetworkWork {
  /** As typed; undefined: the addresses that the manifest has for files. */
  readonly typed: string | undefined;
  readonly subject: Subject;
  /** Is given what a response shows that keeps programs out. */
  readonly onWall: (wall: Wall) => void;
}

/** Safe to print. */
export function sourceName(typed: string): string {
  const shown = typed.includes('://') ? toPrintableUrl(typed) : toPrintable(typed);
  return shown.replaceAll('%7Bname%7D', '{name}');
}

/** Where a source that was typed is on the web; undefined: it is not, or not a source at all. */
export function urlOf(typed: string | undefined): string | undefined {
  if (typed === undefined) return undefined;
  const address = parseAddress(typed);
  if (address.kind === 'template') return toFileUrl(address.url, 'x');
  return address.kind === 'web' ? address.url : undefined;
}
