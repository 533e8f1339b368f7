import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readState } from '../policy/policy-state.ts';

/** Gives the sum of the newest revisions that were ever activated, in digits: it never goes down. */
export type PolicyProgress = () => Promise<string | undefined>;

/** Undefined where there is no state that can be read: whoever opens it says what is wrong with it. It is read once for each change. */
export function createPolicyProgress(directory: string): PolicyProgress {
  const path = join(directory, 'policy', 'state.json');
  let last: { readonly file: string; readonly progress: string | undefined } | undefined;

  return async () => {
    try {
      const { ino, mtimeMs, size } = await stat(path);
      const file = `${ino} ${mtimeMs} ${size}`;
      if (last?.file !== file) last = { file, progress: progressOf(await readFile(path, 'utf8')) };
      return last.progress;
    } catch {
      return undefined;
    }
  };
}

function progressOf(text: string): string | undefined {
  const state = readState(text);
  if (state === undefined) return undefined;
  const marks = Object.values(state.marks);
  return String(marks.reduce((sum, { revision }) => sum + BigInt(revision), 0n));
}
