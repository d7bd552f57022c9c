import { spawnSync } from 'node:child_process';

/** A JPEG as Python's imaging library, which has nothing to do with our encoder, reads it. */
export interface Decoded {
  readonly width: number;
  readonly height: number;
  /** `L` is 8-bit grayscale. */
  readonly mode: string;
  readonly comment: string | null;
  readonly pixels: Buffer;
}

const PYTHON = ['/usr/bin/python3', 'python3'].find(
  (command) => spawnSync(command, ['-c', 'import PIL']).status === 0,
);

export const hasPil = PYTHON !== undefined;
if (!hasPil) {
  console.warn('SKIPPED: PIL is not here (apt-get install python3-pil); no image is decoded');
}

const SCRIPT = `
import base64, json, sys
from PIL import Image
for path in sys.stdin.read().splitlines():
    Image.open(path).verify()
    image = Image.open(path)
    image.load()
    comment = image.info.get('comment')
    print(json.dumps({
        'width': image.width, 'height': image.height, 'mode': image.mode,
        'comment': None if comment is None else comment.decode('latin-1'),
        'pixels': base64.b64encode(image.tobytes()).decode(),
    }))
`;

/** Decodes files, in order. @throws Error with what PIL says of the first that is none */
export function decodeWithPil(paths: readonly string[]): readonly Decoded[] {
  const { status, stdout, stderr } = spawnSync(PYTHON ?? '', ['-W', 'error', '-c', SCRIPT], {
    input: paths.join('\n'),
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`PIL: ${stderr}`);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { pixels, ...facts } = JSON.parse(line) as Omit<Decoded, 'pixels'> & {
        readonly pixels: string;
      };
      return { ...facts, pixels: Buffer.from(pixels, 'base64') };
    });
}
