// A process of its own that hashes files in threads and does nothing to end itself.
// `hash-child.ts HOW FILE…`: `open` leaves its pool open; `closed` closes it in the middle; `fips`
// as on a host that refuses MD5.
import { setFips } from 'node:crypto';
import { hashFile } from '../../src/hash/hash-file.ts';
import { HashPool } from '../../src/hash/hash-pool.ts';

const [, , how = '', ...paths] = process.argv;
const pool = new HashPool();
const say = (text: string) => void process.stdout.write(`${text}\n`);

if (how === 'fips') {
  // The threads are there before: without OpenSSL's FIPS module, which hosts in FIPS mode have, Node
  // can't start any more.
  await hashFile(paths[0] ?? '', { pool });
  setFips(true);
}
const onBytes = () => {
  if (how === 'closed') void pool.close();
};
const hashes = await Promise.allSettled(paths.map((path) => hashFile(path, { pool, onBytes })));
for (const hash of hashes) {
  if (hash.status === 'fulfilled') say(hash.value.md5);
  else say(hash.reason instanceof Error ? hash.reason.message : 'no error');
}
say('done');
