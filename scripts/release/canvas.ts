import type { GrayImage } from './gray-image.ts';
import type { Random } from './random.ts';

/** Places on a canvas run from -1 to 1, x to the right and y down, whatever its size. */
export interface Ellipse {
  readonly x: number;
  readonly y: number;
  readonly rx: number;
  readonly ry: number;
  /** Added to the level inside; as on a film, what lies behind each other adds up. */
  readonly amount: number;
  /** Part of the radius over which the edge fades, 0 to 1. */
  readonly soft: number;
}

/** A curved stripe: y = y + slope * t + bend * t * t, where t is the way from `fromX`. */
export interface Stripe {
  readonly fromX: number;
  readonly toX: number;
  readonly y: number;
  readonly slope: number;
  readonly bend: number;
  /** Half of its thickness. */
  readonly half: number;
  readonly amount: number;
}

/**
 * A square that is drawn on by adding up soft shapes. Nothing but +, -, *, / and sqrt, which are
 * exact by the standard: a seed gives the same bytes on every engine.
 */
export class Canvas {
  readonly size: number;
  readonly #levels: Float64Array;

  constructor(size: number, level: number) {
    this.size = size;
    this.#levels = new Float64Array(size * size).fill(level);
  }

  ellipse({ x, y, rx, ry, amount, soft }: Ellipse): void {
    const [top, bottom] = this.#span(y, ry);
    const [left, right] = this.#span(x, rx);
    // The square of the distance at which the edge begins to fade.
    const inner = (1 - soft) * (1 - soft);
    for (let row = top; row < bottom; row += 1) {
      const dy = (this.#place(row) - y) / ry;
      for (let column = left; column < right; column += 1) {
        const dx = (this.#place(column) - x) / rx;
        const square = dx * dx + dy * dy;
        if (square >= 1) continue;
        const cover = square <= inner ? 1 : smooth((1 - square) / (1 - inner));
        this.#add(row, column, amount * cover);
      }
    }
  }

  stripe({ fromX, toX, y, slope, bend, half, amount }: Stripe): void {
    const [left, right] = this.#span((fromX + toX) / 2, Math.abs(toX - fromX) / 2);
    for (let column = left; column < right; column += 1) {
      const t = this.#place(column) - fromX;
      const middle = y + slope * Math.abs(t) + bend * t * t;
      const [top, bottom] = this.#span(middle, half);
      for (let row = top; row < bottom; row += 1) {
        const off = Math.abs(this.#place(row) - middle) / half;
        this.#add(row, column, amount * smooth(1 - off));
      }
    }
  }

  /** Grain of one pixel, and clouds of a sixteenth of the width. */
  noise(random: Random, fine: number, clouds: number): void {
    const step = Math.max(4, this.size >> 4);
    const cells = Math.ceil(this.size / step) + 2;
    const grid = Float64Array.from({ length: cells * cells }, () => random.between(-1, 1));
    for (let row = 0; row < this.size; row += 1) {
      for (let column = 0; column < this.size; column += 1) {
        const cloud = interpolate(grid, cells, row / step, column / step);
        // The sum of two is closer to a film's grain than one: flat noise looks dusty.
        const grain = random.next() + random.next() - 1;
        this.#add(row, column, cloud * clouds + grain * fine);
      }
    }
  }

  /** Sets a square of pixels, for letters. */
  set(row: number, column: number, side: number, level: number): void {
    for (let y = row; y < Math.min(row + side, this.size); y += 1) {
      const start = y * this.size;
      this.#levels.fill(level, start + column, start + Math.min(column + side, this.size));
    }
  }

  toImage(): GrayImage {
    const pixels = new Uint8ClampedArray(this.#levels);
    return { width: this.size, height: this.size, pixels };
  }

  #add(row: number, column: number, amount: number): void {
    const at = row * this.size + column;
    this.#levels[at] = (this.#levels[at] ?? 0) + amount;
  }

  #place(index: number): number {
    return ((index + 0.5) / this.size) * 2 - 1;
  }

  /** The pixels from `middle - reach` to `middle + reach`, cut to the canvas. */
  #span(middle: number, reach: number): readonly [number, number] {
    const first = Math.floor(((middle - reach + 1) / 2) * this.size);
    const last = Math.ceil(((middle + reach + 1) / 2) * this.size);
    return [Math.max(0, Math.min(this.size, first)), Math.max(0, Math.min(this.size, last))];
  }
}

function smooth(x: number): number {
  if (x <= 0) return 0;
  return x >= 1 ? 1 : x * x * (3 - 2 * x);
}

/** Between the four corners of a cell, called for every pixel. */
function interpolate(grid: Float64Array, cells: number, y: number, x: number): number {
  const row = Math.floor(y);
  const column = Math.floor(x);
  const v = smooth(y - row);
  const u = smooth(x - column);
  const corner = row * cells + column;
  const upper = (grid[corner] ?? 0) * (1 - u) + (grid[corner + 1] ?? 0) * u;
  const lower = (grid[corner + cells] ?? 0) * (1 - u) + (grid[corner + cells + 1] ?? 0) * u;
  return upper * (1 - v) + lower * v;
}
