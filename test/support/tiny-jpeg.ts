/** Bytes that begin and end as a JPEG does, with any content between: enough for what does not decode. */
export function likeJpeg(content: string | Uint8Array): Buffer {
  const middle = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), middle, Buffer.from('ffd9', 'hex')]);
}
