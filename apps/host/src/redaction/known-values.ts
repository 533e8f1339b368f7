import {
  mayBeWritten,
  skeletonOf,
  withoutHalfEscape,
  writingsOf,
  writtenLengthMax,
} from '@modelhost/redaction';

/** Finds values that are known exactly, whatever they look like. */
export interface KnownValues {
  readonly replace: (text: string, onFound?: () => void) => string;
  /** However the text is cut, the same text comes out. */
  stream(onFound?: () => void): KnownValuesStream;
}

/** One text that comes in pieces. */
export interface KnownValuesStream {
  push(text: string): string;
  end(): string;
}

const shown = '[SECRET]';
/** Shorter ones could not be told from plain text. */
const lengthMin = 8;
/** What a character may be written with, or is half of. */
const escapeOrHalf = /[\\%+\ud800-\udbff]/;
const glanceLength = 48;
/** In characters. A longer value, such as a private key, is looked for in parts. */
const partLengthMax = 128;

/**
 * Hides the values, in whatever way they are written: the longest of those that begin at a place, the first place first. Those
 * under eight units are left.
 */
export function createKnownValues(values: readonly string[]): KnownValues {
  const known = [...new Set(values.filter(({ length }) => length >= lengthMin).flatMap(partsOf))];
  if (known.length === 0) return untouched;
  known.sort((one, other) => other.length - one.length);
  const windowLength = writtenLengthMax(known[0]?.length ?? 0);
  const plain = new RegExp(known.map((value) => RegExp.escape(value)).join('|'), 'g');
  const pattern = new RegExp(known.map(writingsOf).join('|'), 'g');
  const beginnings = new Set(known.map((value) => value.charAt(0)));
  const skeletons = known.map((value) => ({
    skeleton: skeletonOf(value),
    isPlain: isPlain(value),
  }));

  /** Where the text, from a place on, may be the beginning of a value that goes on. */
  function openFrom(text: string, from: number): number {
    for (let at = Math.max(from, text.length - windowLength); at < text.length; at += 1) {
      const first = text.charAt(at);
      if (!beginnings.has(first) && !escapeOrHalf.test(first)) continue;
      // Most are none by their first characters already.
      if (isOpen(text.slice(at, at + glanceLength)) && isOpen(text.slice(at))) return at;
    }
    return text.length;
  }

  function isOpen(rest: string): boolean {
    const given = skeletonOf(withoutHalfEscape(rest));
    return skeletons.some(
      ({ skeleton, isPlain: isWhole }) =>
        skeleton.startsWith(given) && (given.length < skeleton.length || !isWhole),
    );
  }

  const patternFor = (text: string): RegExp => (mayBeWritten(text) ? pattern : plain);

  function stream(onFound?: () => void): KnownValuesStream {
    let held = '';

    function take(text: string, isEnd: boolean): string {
      let given = '';
      let at = 0;
      let open = isEnd ? text.length : openFrom(text, 0);
      for (const { index, 0: value } of text.matchAll(patternFor(text))) {
        if (index >= open) break;
        onFound?.();
        given += text.slice(at, index) + shown;
        at = index + value.length;
        if (at > open) open = openFrom(text, at);
      }
      held = text.slice(open);
      return given + text.slice(at, open);
    }

    return { push: (text) => take(held + text, false), end: () => take(held, true) };
  }

  function replace(text: string, onFound?: () => void): string {
    return text.replace(patternFor(text), () => {
      onFound?.();
      return shown;
    });
  }

  return { replace, stream };
}

/** Whether nothing of it is left out of its skeleton. */
function isPlain(value: string): boolean {
  return skeletonOf(value).length === value.length;
}

/** As equal as can be: what is left over would be too short to be told from plain text. */
function partsOf(value: string): readonly string[] {
  const characters = Array.from(value);
  const count = Math.ceil(characters.length / partLengthMax);
  const length = Math.ceil(characters.length / count);
  return Array.from({ length: count }, (_none, at) =>
    characters.slice(at * length, (at + 1) * length).join(''),
  ).filter((part) => part !== '');
}

const untouched: KnownValues = {
  replace: (text) => text,
  stream: () => ({ push: (text) => text, end: () => '' }),
};
