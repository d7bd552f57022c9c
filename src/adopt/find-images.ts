import { statOrNull } from '../fs/paths.ts';
import { leaveUnreadable } from './find-files.ts';
import type { ImageFinds } from './image-finds.ts';
import type { LeftBehind } from './left.ts';
import type { LookAround } from './look-around.ts';
import { type ImageKnowledge, matchImage } from './match-image.ts';
import type { SeenFile } from './walk.ts';

/**
 * Goes through the directories once more, now that it is known what images there are. Only of images that the
 * bytes can decide about is the length looked at; nothing is read.
 * @throws CcxriError `aborted`; bugs
 */
export async function findImages(
  look: LookAround,
  { known, finds }: { readonly known: ImageKnowledge; readonly finds: ImageFinds },
  left: LeftBehind,
): Promise<void> {
  const matchOne = async (seen: SeenFile) => {
    const folders = seen.path.split(/[/\\]/).slice(0, -1);
    const first = matchImage({ name: seen.name, folders }, known);
    if (first.kind !== 'known') return first;
    const bytes = (await statOrNull(seen.path))?.size;
    return matchImage({ name: seen.name, folders, bytes }, known);
  };
  for await (const batch of look.batches()) {
    const matches = await Promise.all(
      batch.map((seen) =>
        matchOne(seen).catch((error: unknown) => {
          leaveUnreadable(error, seen.path, left);
          return undefined;
        }),
      ),
    );
    for (const [at, match] of matches.entries()) {
      const seen = batch[at];
      if (seen === undefined || match === undefined) continue;
      const { path, name, isLinked } = seen;
      finds.add({ path, name, place: { kind: 'file', isLinked } }, match);
    }
  }
}
