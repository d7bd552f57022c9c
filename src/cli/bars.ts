const EIGHTHS = '▏▎▍▌▋▊▉█';

/**
 * A bar as text. Whatever is more than nothing is seen.
 * @param share of the whole width, from 0 to 1
 * @param hasBlocks whether the terminal shows blocks; else it is made of `#`
 */
export function renderBar(share: number, width: number, hasBlocks: boolean): string {
  if (!(share > 0)) return '';
  if (!hasBlocks) return '#'.repeat(Math.max(1, Math.round(share * width)));
  const eighths = Math.max(1, Math.round(share * width * 8));
  const rest = eighths % 8;
  return '█'.repeat(Math.floor(eighths / 8)) + (rest === 0 ? '' : (EIGHTHS[rest - 1] ?? ''));
}
