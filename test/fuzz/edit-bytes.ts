import fc from 'fast-check';

/**
 * A change to some bytes. Places are any number and taken modulo the length, so that an edit means
 * something in whatever it is applied to.
 */
export type ByteEdit =
  | { readonly edit: 'flip'; readonly at: number; readonly bit: number }
  | { readonly edit: 'set' | 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly edit: 'cut' | 'behead'; readonly at: number }
  | { readonly edit: 'drop'; readonly at: number; readonly length: number }
  | {
      readonly edit: 'repeat';
      readonly at: number;
      readonly length: number;
      readonly times: number;
    }
  | {
      readonly edit: 'copy' | 'swap';
      readonly at: number;
      readonly length: number;
      readonly to: number;
    };

/** Longer inputs only cost time. */
const MOST_BYTES = 2_000_000;

export function editBytes(bytes: Buffer, edit: ByteEdit): Buffer {
  return applyEdit(bytes, edit).subarray(0, MOST_BYTES);
}

function applyEdit(bytes: Buffer, edit: ByteEdit): Buffer {
  const at = edit.at % (bytes.length + 1);
  const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (edit.edit) {
    case 'flip': {
      const flipped = Buffer.from(bytes);
      if (at < bytes.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << edit.bit);
      return flipped;
    }
    case 'set':
      return Buffer.concat([before, edit.bytes, behind.subarray(edit.bytes.length)]);
    case 'insert':
      return Buffer.concat([before, edit.bytes, behind]);
    case 'cut':
      return before;
    case 'behead':
      return behind;
    case 'drop':
      return Buffer.concat([before, behind.subarray(edit.length)]);
    case 'repeat': {
      const region = behind.subarray(0, edit.length);
      const times = Math.min(edit.times, Math.ceil(MOST_BYTES / 10 / (region.length + 1)));
      return Buffer.concat([before, ...Array.from({ length: times }, () => region), behind]);
    }
    case 'copy': {
      const changed = Buffer.from(bytes);
      behind.copy(changed, edit.to % (bytes.length + 1), 0, edit.length);
      return changed;
    }
    case 'swap':
      return swapRegions(bytes, [at, edit.to % (bytes.length + 1)], edit.length);
  }
}

function swapRegions(bytes: Buffer, places: readonly [number, number], most: number): Buffer {
  const [first = 0, second = 0] = [...places].sort((a, b) => a - b);
  const length = Math.min(most, second - first, bytes.length - second);
  return Buffer.concat([
    bytes.subarray(0, first),
    bytes.subarray(second, second + length),
    bytes.subarray(first + length, second),
    bytes.subarray(first, first + length),
    bytes.subarray(second + length),
  ]);
}

/** @param tokens what means something to the parser, to be put anywhere */
export function byteEdits(tokens: readonly (string | Uint8Array)[]): fc.Arbitrary<ByteEdit> {
  const at = fc.nat(0x7fffffff);
  const length = fc.oneof(fc.nat(8), fc.nat(64), fc.nat(2000));
  const bytes = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...tokens.map((token) => Buffer.from(token))) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 8 }) },
  );
  const times = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(1, 2) },
    { weight: 1, arbitrary: fc.constantFrom(50, 1000) },
  );
  return fc.oneof(
    fc.record({ edit: fc.constant('flip' as const), at, bit: fc.nat(7) }),
    fc.record({ edit: fc.constantFrom('set' as const, 'insert' as const), at, bytes }),
    fc.record({ edit: fc.constant('drop' as const), at, length }),
    fc.record({ edit: fc.constant('repeat' as const), at, length, times }),
    fc.record({ edit: fc.constantFrom('copy' as const, 'swap' as const), at, length, to: at }),
    fc.record({ edit: fc.constantFrom('cut' as const, 'behead' as const), at }),
  );
}

/** Whole inputs from good ones: which of them, and what is done to it. */
export interface EditedBytes {
  readonly base: number;
  readonly edits: readonly ByteEdit[];
}

export function editedBytes(
  bases: readonly unknown[],
  tokens: readonly (string | Uint8Array)[],
  most = 4,
): fc.Arbitrary<EditedBytes> {
  return fc.record({
    base: fc.nat(bases.length - 1),
    edits: fc.array(byteEdits(tokens), { minLength: 1, maxLength: most }),
  });
}

export function buildEdited(bases: readonly Buffer[], { base, edits }: EditedBytes): Buffer {
  return edits.reduce(editBytes, bases[base] ?? Buffer.alloc(0));
}
