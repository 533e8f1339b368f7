/** A regular expression as a tree. An atom is one character; its source is kept for the platform to judge. */
export type PatternNode =
  | { readonly type: 'atom'; readonly source: string }
  | { readonly type: 'sequence'; readonly items: readonly PatternNode[] }
  | { readonly type: 'choice'; readonly options: readonly PatternNode[] }
  | {
      readonly type: 'repeat';
      readonly item: PatternNode;
      readonly min: number;
      readonly max: number;
    }
  | { readonly type: 'edge'; readonly edge: Edge }
  | { readonly type: 'look'; readonly item: PatternNode; readonly isNegated: boolean };

/** A place between characters. */
export type Edge = 'start' | 'end' | 'word' | 'not-word';

/** A pattern that is not supported; the message says what is not. */
export class PatternUnsupported extends Error {
  override readonly name = 'PatternUnsupported';
}

const groupDepthMax = 32;

/** Reads a pattern that `new RegExp(source, flags)` has accepted. Throws {@link PatternUnsupported}. */
export function readPattern(source: string, isUnicode: boolean): PatternNode {
  const cursor = createCursor(source);
  let depth = 0;

  function readChoice(): PatternNode {
    depth += 1;
    if (depth > groupDepthMax) throw new PatternUnsupported('groups are nested too deeply');
    const options = [readSequence()];
    while (cursor.take(/\|/y) !== undefined) options.push(readSequence());
    depth -= 1;
    const [only] = options;
    return only !== undefined && options.length === 1 ? only : { type: 'choice', options };
  }

  function readSequence(): PatternNode {
    const items: PatternNode[] = [];
    while (!cursor.isAt(/$|[|)]/y)) items.push(readRepeat(readTerm(), cursor));
    return { type: 'sequence', items };
  }

  function readTerm(): PatternNode {
    const edge = readEdge(cursor);
    if (edge !== undefined) return { type: 'edge', edge };
    const opening = cursor.take(/\((?:\?(?:<(?![=!])[^>]*>|[^<]|<[=!]))?/y);
    if (opening !== undefined) return readGroup(opening);
    if (cursor.isAt(/\\(?:[1-9]|k<)/y)) {
      throw new PatternUnsupported('references to groups are not supported');
    }
    return { type: 'atom', source: readAtom(cursor, isUnicode) };
  }

  function readGroup(opening: string): PatternNode {
    const isLook = opening === '(?=' || opening === '(?!';
    if (!isLook && opening !== '(' && opening !== '(?:' && !/^\(\?<[^=!]/.test(opening)) {
      throw new PatternUnsupported('looking back and flags within a pattern are not supported');
    }
    const item = readChoice();
    cursor.take(/\)/y);
    return isLook ? { type: 'look', item, isNegated: opening === '(?!' } : item;
  }

  const node = readChoice();
  if (!cursor.isAt(/$/y)) throw new PatternUnsupported('the pattern cannot be read to its end');
  return node;
}

interface Cursor {
  /** Takes what the sticky expression finds here and moves behind it. */
  take(expression: RegExp): string | undefined;
  isAt(expression: RegExp): boolean;
}

function createCursor(source: string): Cursor {
  let at = 0;

  function find(expression: RegExp): string | undefined {
    expression.lastIndex = at;
    return expression.exec(source)?.[0];
  }

  return {
    take: (expression) => {
      const found = find(expression);
      at += found?.length ?? 0;
      return found;
    },
    isAt: (expression) => find(expression) !== undefined,
  };
}

function readEdge(cursor: Cursor): Edge | undefined {
  if (cursor.take(/\^/y) !== undefined) return 'start';
  if (cursor.take(/\$/y) !== undefined) return 'end';
  if (cursor.take(/\\b/y) !== undefined) return 'word';
  return cursor.take(/\\B/y) === undefined ? undefined : 'not-word';
}

/** One character: a class, an escape or the character itself. */
function readAtom(cursor: Cursor, isUnicode: boolean): string {
  const escape = isUnicode
    ? /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|[^])/uy
    : /\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|0[0-7]*|[^])/y;
  const found =
    cursor.take(/\[(?:\\[^]|[^\]\\])*\]/y) ??
    cursor.take(escape) ??
    cursor.take(isUnicode ? /[^]/uy : /[^]/y);
  if (found === undefined) throw new PatternUnsupported('the pattern ends too early');
  return found;
}

function readRepeat(item: PatternNode, cursor: Cursor): PatternNode {
  const found = cursor.take(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/y);
  if (found === undefined) return item;
  if (found.startsWith('*')) return { type: 'repeat', item, min: 0, max: Infinity };
  if (found.startsWith('+')) return { type: 'repeat', item, min: 1, max: Infinity };
  if (found.startsWith('?')) return { type: 'repeat', item, min: 0, max: 1 };
  const [min = '', max] = found.replace(/[{}?]/g, '').split(',');
  const most = max === undefined ? Number(min) : max === '' ? Infinity : Number(max);
  return { type: 'repeat', item, min: Number(min), max: most };
}
