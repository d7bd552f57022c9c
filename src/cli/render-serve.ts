import type { RequestEvent, ServingEvent } from '../events.ts';
import { count } from '../text.ts';
import { shown } from './render-error.ts';
import type { View } from './view.ts';

/** A line a request, as logs of servers have it; the file's state where it was not served. */
export function renderServeEvent(event: ServingEvent | RequestEvent, { style }: View): string {
  if (event.event === 'serving') return servingLine(event);
  const { startedAt, client, method, path, httpStatus, bytes, elapsedMs, whole, why } = event;
  const end = whole ? '' : ' (broke off)';
  const reason = why === undefined ? '' : `; ${why}`;
  const line = `${startedAt} ${client} ${method} ${path} ${httpStatus} ${bytes} bytes ${elapsedMs} ms`;
  const text = shown(`${line}${end}${reason}`);
  return httpStatus < 400 && whole ? text : style.yellow(text);
}

function servingLine({ url, urlsForOthers, dest, files, of }: ServingEvent): string {
  const where = urlsForOthers.length === 0 ? url : urlsForOthers.join(', ');
  const some = `${files} of ${count(of, 'file')}`;
  return shown(`serving ${some} of ${dest} at ${where} (Ctrl-C ends it)`);
}
