import { createRandom } from './random.ts';
import type { Random } from './random.ts';

/** What the outside did in a run of the simulation, by what it was asked: JSON text by key. */
export type Recording = ReadonlyMap<string, string>;

/** Where everything that is not the host's own doing comes from. */
export interface Outside {
  /** What the outside does about `key`: the same whenever it is asked again. It must be JSON. */
  take<T>(key: string, draw: (random: Random) => T): T;
  recording(): Recording;
}

/** An outside that is invented from a seed, every key by itself, so that one answer more does not change the others. */
export function createOutside(seed: number): Outside {
  return keep(new Map(), (key, draw) => draw(createRandom(`${seed}/${key}`)));
}

/** An outside that repeats a recording and has nothing else to say. */
export function createReplay(recording: Recording): Outside {
  return keep(new Map(recording), (key) => {
    throw new Error(`the recording has no ${key}`);
  });
}

function keep(
  texts: Map<string, string>,
  invent: <T>(key: string, draw: (random: Random) => T) => T,
): Outside {
  return {
    take: <T>(key: string, draw: (random: Random) => T): T => {
      const text = texts.get(key) ?? JSON.stringify(invent(key, draw));
      texts.set(key, text);
      // The text was written from a T under this key, and a T is JSON.
      return JSON.parse(text) as T;
    },
    recording: () => texts,
  };
}
