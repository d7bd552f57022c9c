/**
 * RFC 4180 read in the plainest way, with any of the three line ends and blanks around cells, to
 * compare with: rows of cells. undefined: no well-formed CSV.
 */
export function parsePlainCsv(text: string): readonly (readonly string[])[] | undefined {
  const rows: string[][] = [];
  let at = text.startsWith('\ufeff') ? 1 : 0;
  while (at < text.length) {
    const row: string[] = [];
    for (;;) {
      at = behindBlanks(text, at);
      const cell = text[at] === '"' ? readQuoted(text, at) : readBare(text, at);
      if (cell === undefined) return undefined;
      row.push(cell.value);
      at = cell.end;
      if (text[at] !== ',') break;
      at += 1;
    }
    rows.push(row);
    if (at < text.length) at += text.startsWith('\r\n', at) ? 2 : 1;
  }
  return rows;
}

interface Cell {
  readonly value: string;
  /** Where a comma or a line end stands, or the text ends. */
  readonly end: number;
}

function readBare(text: string, start: number): Cell | undefined {
  let end = start;
  while (end < text.length && !',\r\n'.includes(text.charAt(end))) {
    if (text[end] === '"') return undefined;
    end += 1;
  }
  return { value: text.slice(start, end).trim(), end };
}

function behindBlanks(text: string, start: number): number {
  let at = start;
  while (/[^\S\r\n]/.test(text.charAt(at))) at += 1;
  return at;
}

function readQuoted(text: string, start: number): Cell | undefined {
  let value = '';
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] !== '"') value += text.charAt(at);
    else if (text[at + 1] === '"') {
      value += '"';
      at += 1;
    } else return closeQuoted(text, at + 1, value);
  }
  return undefined;
}

function closeQuoted(text: string, closedAt: number, value: string): Cell | undefined {
  const end = behindBlanks(text, closedAt);
  return end === text.length || ',\r\n'.includes(text.charAt(end)) ? { value, end } : undefined;
}
