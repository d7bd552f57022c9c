/**
 * What a terminal shows after these writes: the sequences that are used here, each other one is an error.
 * Nothing is wrapped: lines are shorter than the terminal.
 */
export function screenOf(text: string): readonly string[] {
  const lines = [''];
  let [row, column] = [0, 0];
  for (const [token] of text.matchAll(/\u001b\[\??[\d;]*[A-Za-z]|\r|\n|[^\u001b\r\n]+/gu)) {
    const n = Number(/\d+/.exec(token)?.[0] ?? '1');
    if (token === '\n') [row, column] = [row + 1, 0];
    else if (token === '\r') column = 0;
    else if (token.endsWith('A') && token.startsWith('\u001b')) row = Math.max(0, row - n);
    else if (token.endsWith('B') && token.startsWith('\u001b')) row += n;
    else if (token.endsWith('G') && token.startsWith('\u001b')) column = n - 1;
    else if (token === '\u001b[J' || token === '\u001b[0J') {
      lines[row] = (lines[row] ?? '').slice(0, column);
      lines.length = row + 1;
    } else if (token === '\u001b[2K') lines[row] = '';
    else if (/^\u001b\[[01]?K$/.test(token)) lines[row] = (lines[row] ?? '').slice(0, column);
    else if (token.startsWith('\u001b[?') || /^\u001b\[\d+m$/.test(token)) continue;
    else if (token.startsWith('\u001b')) throw new Error(`unknown: ${JSON.stringify(token)}`);
    else {
      lines[row] = (lines[row] ?? '').slice(0, column).padEnd(column) + token;
      column += token.length;
    }
    lines[row] ??= '';
  }
  return lines.map((line) => line.trimEnd()).filter((line) => line !== '');
}
