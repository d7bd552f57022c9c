import type { CaughtFault, DemoStartEvent, RunEvent } from '../events.ts';
import { count, formatBytes, formatCount, formatDuration, toPrintable } from '../text.ts';
import type { View } from './view.ts';

/** The lines of the demo alone. */
export function renderDemoEvent(
  event: Extract<RunEvent, { event: 'demo-start' | 'caught' }>,
  view: View,
): string {
  return event.event === 'demo-start' ? renderDemoStart(event) : renderCaught(event, view);
}

/** What the demo is, before it begins. */
function renderDemoStart({ page, dest, files, bytes, aboutMs }: DemoStartEvent): string {
  return [
    `A whole fetch in about ${formatDuration(aboutMs)}: no network, no real data, drawn chests only.`,
    `ccxri serves ${files} small files (${formatBytes(bytes)}) to itself at ${page}`,
    `and fetches them into ${toPrintable(dest, 4096)}. On the way a connection is cut, a file`,
    'comes damaged, and the fetch is killed: see how each is caught.',
    '',
  ].join('\n');
}

/** Is it what the line of a caught failure says? */
export function isOfCaught(event: RunEvent): boolean {
  if (event.event === 'warning') return event.code === 'stale-lock';
  return event.event === 'retry' || event.event === 'phase-start';
}

/** One line for what went wrong on purpose, and was put right. */
function renderCaught(caught: CaughtFault, { style }: View): string {
  return `${style.green('caught:')} ${describeCaught(caught)}`;
}

function describeCaught({ fault, file = '', resumedAtByte = 0, ...more }: CaughtFault): string {
  const at = `byte ${formatCount(resumedAtByte)}`;
  const { totalBytes = 0, expected = '', found = '', filesKept = 0 } = more;
  switch (fault) {
    case 'cut':
      return `connection cut: ${file} resumed at ${at} of ${formatCount(totalBytes)}`;
    case 'flip':
      return `flipped bit: ${file} MD5 ${short(found)}, not ${short(expected)}; downloaded again`;
    case 'kill':
    case 'stop': {
      const what = fault === 'kill' ? 'killed (SIGKILL)' : 'stopped';
      const resumed = resumedAtByte === 0 ? '' : `, ${file} resumed at ${at}`;
      return `${what}: ${count(filesKept, 'file')} kept${resumed}`;
    }
  }
}

/** The first digits of an MD5 tell it from another one. */
function short(text: string): string {
  return text.replace(/^MD5 ([0-9a-f]{5})[0-9a-f]{27}$/, '$1…');
}
