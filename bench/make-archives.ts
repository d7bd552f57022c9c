// Makes every nth archive of a bench release, in a process of its own, and prints what it wrote, one
// JSON line a file: `tsx bench/make-archives.ts DIRECTORY PROFILE-AS-JSON FIRST STEP`.
import { archiveChunks } from '../scripts/release/archive-file.ts';
import { intoDirectory, writeTallied } from '../scripts/release/make-release.ts';
import { planRelease } from '../scripts/release/plan-release.ts';
import { createJpegs } from './many-jpegs.ts';
import { specOf, type ReleaseProfile } from './release-profile.ts';

const [directory = '', profileJson = '', first = '0', step = '1'] = process.argv.slice(2);
const profile = JSON.parse(profileJson) as ReleaseProfile;
const toJpeg = await createJpegs(profile.bytes);
for (const [index, archive] of planRelease(specOf(profile)).archives.entries()) {
  if (index % Number(step) !== Number(first)) continue;
  const chunks = archiveChunks(archive, toJpeg);
  const written = await writeTallied(`${archive.spec.name}.zip`, chunks, intoDirectory(directory));
  console.log(JSON.stringify(written));
}
