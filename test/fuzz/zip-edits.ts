import fc from 'fast-check';

/** A change to one field of one header of an archive. */
export interface FieldEdit {
  readonly edit: 'field';
  /** Taken modulo what there is. */
  readonly header: number;
  readonly field: number;
  readonly value: FieldValue;
}

type FieldValue =
  | { readonly is: number }
  | { readonly plus: number }
  /** As the same field of another header of its kind has it, or the next field of this one. */
  | { readonly of: number }
  | { readonly ofField: number };

/** Offset and width of each field of the headers (APPNOTE 4.3). */
const HEADERS: readonly (readonly [number, readonly (readonly [number, number])[]])[] = [
  [0x04034b50, widths([2, 2, 2, 2, 2, 4, 4, 4, 2, 2])],
  [0x02014b50, widths([2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4])],
  [0x06054b50, widths([2, 2, 2, 2, 4, 4, 2])],
  [0x06064b50, widths([8, 2, 2, 4, 4, 8, 8, 8, 8])],
  [0x07064b50, widths([4, 8, 4])],
  [0x08074b50, widths([4, 4, 4, 8])],
];

function widths(list: readonly number[]): readonly (readonly [number, number])[] {
  let at = 4;
  return list.map((width) => {
    at += width;
    return [at - width, width] as const;
  });
}

interface Header {
  readonly at: number;
  readonly signature: number;
  readonly fields: readonly (readonly [number, number])[];
}

function headersOf(bytes: Buffer): readonly Header[] {
  const found: Header[] = [];
  for (let at = bytes.indexOf('PK'); at >= 0; at = bytes.indexOf('PK', at + 1)) {
    if (at + 4 > bytes.length) break;
    const signature = bytes.readUInt32LE(at);
    const fields = HEADERS.find(([known]) => known === signature)?.[1];
    const inside = fields?.filter(([offset, width]) => at + offset + width <= bytes.length) ?? [];
    if (inside.length > 0) found.push({ at, signature, fields: inside });
  }
  return found;
}

export function editField(bytes: Buffer, { header, field, value }: FieldEdit): Buffer {
  const headers = headersOf(bytes);
  const chosen = headers[header % headers.length];
  const place = chosen?.fields[field % chosen.fields.length];
  if (chosen === undefined || place === undefined) return bytes;
  const [offset, width] = place;
  const changed = Buffer.from(bytes);
  write(changed, chosen.at + offset, width, valueOf(value, changed, { headers, chosen, place }));
  return changed;
}

function valueOf(
  value: FieldValue,
  bytes: Buffer,
  context: {
    readonly headers: readonly Header[];
    readonly chosen: Header;
    readonly place: readonly [number, number];
  },
): bigint {
  const { headers, chosen, place } = context;
  if ('is' in value) return BigInt(value.is);
  const own = read(bytes, chosen.at + place[0], place[1]);
  if ('plus' in value) return own + BigInt(value.plus);
  if ('of' in value) {
    const same = headers.filter(({ signature }) => signature === chosen.signature);
    const other = same[value.of % same.length] ?? chosen;
    return read(bytes, other.at + place[0], place[1]);
  }
  const other = chosen.fields[value.ofField % chosen.fields.length] ?? place;
  return read(bytes, chosen.at + other[0], other[1]);
}

function read(bytes: Buffer, at: number, width: number): bigint {
  if (at + width > bytes.length) return 0n;
  return width === 8 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUIntLE(at, width));
}

function write(bytes: Buffer, at: number, width: number, value: bigint): void {
  const fitting = BigInt.asUintN(width * 8, value);
  if (width === 8) bytes.writeBigUInt64LE(fitting, at);
  else bytes.writeUIntLE(Number(fitting), at, width);
}

/** Where counters wrap, masks end and offsets leave the file. */
const TURNING_POINTS = [
  0,
  1,
  2,
  8,
  9,
  0x7f,
  0xff,
  0x100,
  0x800,
  0x7fff,
  0x8000,
  0xfffe,
  0xffff,
  0x10000,
  0x7fffffff,
  0x80000000,
  0xfffffffe,
  0xffffffff,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
];

export const fieldEdits: fc.Arbitrary<FieldEdit> = fc.record({
  edit: fc.constant('field' as const),
  header: fc.nat(1000),
  field: fc.nat(15),
  value: fc.oneof(
    fc.record({ is: fc.constantFrom(...TURNING_POINTS) }),
    fc.record({ plus: fc.constantFrom(1, -1, 2, 22, -22, 30, 46, 0x10000) }),
    fc.record({ plus: fc.integer({ min: -300, max: 300 }) }),
    fc.record({ of: fc.nat(1000) }),
    fc.record({ ofField: fc.nat(15) }),
  ),
});
