/**
 * Foreign text (server pages, zip names, CSV cells) made safe for a terminal: C0, C1, DEL, bidi
 * controls, and the line separators become visible escapes; too long a text is cut.
 */
export function toPrintable(text: string, maxLength = 300): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return cut.replace(UNSAFE, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

// Control characters are what this expression is for.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;

/** Bytes for people, in the decimal units of disks and the dataset's page: `543 MB`, `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit >= 3 && value < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** `1 file`, `2 files`: counts with thousands marked. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${formatCount(n)} ${n === 1 ? one : many}`;
}

/** 162000 as `162,000`, whatever the machine's locale. */
export function formatCount(n: number): string {
  return n.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `2 s`, `3 min 20 s`, `1 h 05 min`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** A URL that may be printed: without user, password, query and fragment. */
export function toPrintableUrl(url: string): string {
  try {
    const parsed = new URL(url);
    const query = parsed.search === '' ? '' : '?…';
    return toPrintable(`${parsed.protocol}//${parsed.host}${parsed.pathname}${query}`);
  } catch {
    return toPrintable(url.replace(/\/\/[^/@]*@/, '//'));
  }
}

/** A word that a POSIX shell reads as it is meant, and a terminal shows as it is. */
export function quoteForShell(word: string): string {
  const shown = toPrintable(word, 4096);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}
