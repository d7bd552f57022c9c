import type { Canvas } from './canvas.ts';

/** Letters of 5 x 7 dots, a row a number: only those that are needed. */
const LETTERS: ReadonlyMap<string, readonly number[]> = new Map([
  ['A', [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]],
  ['D', [0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110]],
  ['E', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111]],
  ['M', [0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001]],
  ['P', [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000]],
  ['U', [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]],
]);

/** Writes in white on a black box, at the lower edge: nobody may take a drawing for a patient. */
export function writeLabel(canvas: Canvas, text: string): void {
  const dot = Math.max(1, Math.floor(canvas.size / 110));
  const left = Math.max(0, Math.floor((canvas.size - text.length * 6 * dot) / 2));
  const top = canvas.size - 9 * dot;
  for (const [index, letter] of Array.from(text).entries()) {
    const rows = LETTERS.get(letter) ?? [];
    const start = left + index * 6 * dot;
    for (let y = -1; y < 8; y += 1) {
      for (let x = -1; x < 6; x += 1) {
        const isInk = (((rows[y] ?? 0) >> (4 - x)) & 1) === 1 && x >= 0 && x < 5;
        // The box of a letter ends where the next one's begins.
        if (isInk || x < 5 || index === text.length - 1) {
          canvas.set(top + y * dot, start + x * dot, dot, isInk ? 235 : 8);
        }
      }
    }
  }
}
