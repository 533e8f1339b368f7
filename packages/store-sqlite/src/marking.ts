import type { StoreMark } from './store-mark.ts';

/** Notes now and then how far a store got. */
export interface Marking {
  /** Something is being written: it is noted within a while. */
  writing(): void;
  /** Notes what was written since, if anything was; later writes are noted no more. */
  finish(): Promise<void>;
}

/** Begins with a note. What cannot be noted is noted with a later write: the store itself says what is wrong with it. */
export async function startMarking(options: {
  /** Durable when it resolves. */
  readonly mark: () => Promise<StoreMark>;
  readonly note: (mark: StoreMark) => Promise<void>;
  readonly afterMs: number;
}): Promise<Marking> {
  let timer: NodeJS.Timeout | undefined;
  let noting: Promise<void> = Promise.resolve();
  let isFinished = false;

  async function noteMark(): Promise<void> {
    try {
      await options.note(await options.mark());
    } catch {
      // An older note stays true.
    }
  }

  await noteMark();
  return {
    writing: () => {
      if (isFinished) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        noting = noting.then(noteMark);
      }, options.afterMs).unref();
    },
    finish: async () => {
      isFinished = true;
      const isBehind = timer !== undefined;
      clearTimeout(timer);
      await noting;
      if (isBehind) await noteMark();
    },
  };
}
