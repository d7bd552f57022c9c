/** Never narrower than this: below it the terminal's own wrapping is no worse. */
const LEAST_WIDTH = 40;

/**
 * Prose in lines of at most `width` columns, broken at blanks; the further lines are indented. What
 * stands in backticks is to be copied, and stays in one piece, however wide it is.
 */
export function wrapProse(text: string, width: number, indent = ''): string {
  if (width < LEAST_WIDTH || width === Infinity) return text;
  return text
    .split('\n')
    .map((line) => wrapLine(line, width, indent))
    .join('\n');
}

function wrapLine(line: string, width: number, indent: string): string {
  if (columnsOf(line) <= width) return line;
  const lines: string[] = [];
  let current = '';
  for (const piece of line.match(PIECES) ?? []) {
    if (current.trim() === '' || columnsOf((current + piece).trimEnd()) <= width) current += piece;
    else {
      lines.push(current.trimEnd());
      current = indent + piece;
    }
  }
  return [...lines, current].join('\n');
}

/** A word with the blanks behind it; a command in backticks counts as one, with what clings to it. */
const PIECES = /^ +|(?:`[^`]*`|[^ `]|`)+ */g;

/** Colours have no width. */
function columnsOf(text: string): number {
  return text.replace(/\u001b\[\d+m/g, '').length;
}
