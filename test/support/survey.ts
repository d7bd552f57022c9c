import type { FileSurvey } from '../../src/dataset/survey.ts';
import type { ManifestFile } from '../../src/manifest/manifest.ts';

/** Of a file that is not here, but for the changes. */
export function surveyOf(file: ManifestFile, changes: Partial<FileSurvey> = {}): FileSurvey {
  return {
    file,
    path: `/d/archives/${file.name}`,
    final: 'absent',
    receipt: undefined,
    finalBytes: 0,
    images: 'absent',
    members: undefined,
    partBytes: 0,
    partFrom: null,
    ...changes,
  };
}
