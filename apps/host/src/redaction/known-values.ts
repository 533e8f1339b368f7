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

/** Hides the values: the longest of those that begin at a place, the first place first. Those under eight units are left. */
export function createKnownValues(values: readonly string[]): KnownValues {
  const known = [...new Set(values.filter(({ length }) => length >= lengthMin))];
  if (known.length === 0) return untouched;
  known.sort((one, other) => other.length - one.length);
  const lengthMax = known[0]?.length ?? 0;
  const beginnings = new Set(known.map((value) => value.charAt(0)));
  const pattern = new RegExp(known.map((value) => RegExp.escape(value)).join('|'), 'g');

  /** Where the text, from a place on, may be the beginning of a value that goes on. */
  function openFrom(text: string, from: number): number {
    for (let at = Math.max(from, text.length - lengthMax + 1); at < text.length; at += 1) {
      if (!beginnings.has(text.charAt(at))) continue;
      const rest = text.slice(at);
      if (known.some((value) => value.length > rest.length && value.startsWith(rest))) return at;
    }
    return text.length;
  }

  function stream(onFound?: () => void): KnownValuesStream {
    let held = '';

    function take(text: string, isEnd: boolean): string {
      let given = '';
      let at = 0;
      let open = isEnd ? text.length : openFrom(text, 0);
      for (const { index, 0: value } of text.matchAll(pattern)) {
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
    return text.replace(pattern, () => {
      onFound?.();
      return shown;
    });
  }

  return { replace, stream };
}

const untouched: KnownValues = {
  replace: (text) => text,
  stream: () => ({ push: (text) => text, end: () => '' }),
};
