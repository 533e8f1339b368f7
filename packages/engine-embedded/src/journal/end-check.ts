import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { SealedPlace } from '../codec.ts';
import { readFrame } from './journal.ts';
import { joinTexts } from './pieces.ts';

/** Finds finished runs whose journal lacks its end: nothing that was written before it tells. */
export interface EndCheck {
  /** Takes what was opened: the status of each run first, then its entries in their order. */
  see(place: SealedPlace, text: string): void;
  /** Where an end was not seen. */
  missing(): readonly Pick<SealedPlace, 'tenant' | 'runId'>[];
}

/** Holds a little of each finished run until its end is seen. */
export function createEndCheck(): EndCheck {
  const expected = new Map<string, Pick<SealedPlace, 'tenant' | 'runId'>>();
  let last = { run: '', text: '' };

  return {
    see: ({ tenant, runId, part }, text) => {
      const run = JSON.stringify([tenant, runId]);
      if (part === 'status' && isEnded(text)) expected.set(run, { tenant, runId });
      if (!part.startsWith('entry/')) return;
      const before = last.run === run ? [last.text] : [];
      last = { run, text: joinTexts([...before, text]).at(-1) ?? '' };
      if (expected.has(run) && hasEnd(last.text)) expected.delete(run);
    },
    missing: () => [...expected.values()],
  };
}

/** One that was ended because its journal does not open has no end in it. */
function isEnded(status: string): boolean {
  const value = parseJsonText(status);
  const result = isJsonObject(value) ? value['result'] : undefined;
  if (!isJsonObject(result)) return false;
  const { ending } = result;
  const error = isJsonObject(ending) ? ending['error'] : undefined;
  return !isJsonObject(error) || error['code'] !== 'storage_unavailable';
}

function hasEnd(text: string): boolean {
  // Most have none, and need not be read for that.
  if (!text.includes('"kind":"finish"')) return false;
  try {
    return readFrame(text).handed?.some(({ kind }) => kind === 'finish') === true;
  } catch {
    // The rest of it comes yet.
    return false;
  }
}
