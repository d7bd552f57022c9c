/** An 8-bit grayscale picture, row by row from the top left; 0 is black. */
export interface GrayImage {
  readonly width: number;
  readonly height: number;
  /** `width * height` samples. */
  readonly pixels: Uint8Array | Uint8ClampedArray;
}
