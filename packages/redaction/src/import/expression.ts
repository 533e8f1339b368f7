/** Inline switches of an expression of Go's or Rust's dialect. */
export interface Switches {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
  readonly multiline: boolean;
  readonly verbose: boolean;
  readonly swapGreed: boolean;
}

/** An expression as a tree; the only form in which it is translated and measured. */
export type Node =
  | { readonly type: 'character'; readonly character: string; readonly ignoreCase: boolean }
  | { readonly type: 'class'; readonly source: string; readonly ignoreCase: boolean }
  | { readonly type: 'assertion'; readonly source: string }
  | { readonly type: 'sequence'; readonly items: readonly Node[] }
  | { readonly type: 'choice'; readonly items: readonly Node[] }
  | { readonly type: 'group'; readonly item: Node; readonly name: string | null }
  | {
      readonly type: 'repeat';
      readonly item: Node;
      readonly min: number;
      readonly max: number;
      readonly isLazy: boolean;
    };

const plain: Switches = {
  ignoreCase: false,
  dotAll: false,
  multiline: false,
  verbose: false,
  swapGreed: false,
};

const posix: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  upper: 'A-Z',
  space: '\\s',
  word: '\\w',
  xdigit: '0-9A-Fa-f',
  punct: '!-\\/:-@\\[-`{-~',
};

/** Where in the expression the reading stands. */
interface Cursor {
  readonly text: string;
  at: number;
}

/** Reads an expression of RE2 or of Rust; throws on what it does not know, so that no rule changes its meaning. */
export function readExpression(text: string): Node {
  const cursor = { text, at: 0 };
  const root = readChoice(cursor, plain);
  if (cursor.at < text.length) {
    throw new Error(`what is left at ${cursor.at} belongs to nothing`);
  }
  return root;
}

function readChoice(cursor: Cursor, outer: Switches): Node {
  let switches = outer;
  const branches: Node[][] = [[]];
  while (cursor.at < cursor.text.length && cursor.text[cursor.at] !== ')') {
    const items = branches.at(-1) ?? [];
    if (cursor.text[cursor.at] === '|') {
      cursor.at += 1;
      branches.push([]);
    } else if (switches.verbose && /[\s#]/.test(cursor.text[cursor.at] ?? '')) {
      cursor.at = cursor.text[cursor.at] === '#' ? endOfLine(cursor, cursor.at) : cursor.at + 1;
    } else {
      const inline = /^\(\?([imsxU]*)(?:-([imsxU]+))?\)/.exec(
        cursor.text.slice(cursor.at, cursor.at + 16),
      );
      if (inline !== null) {
        cursor.at += inline[0].length;
        switches = changed(switches, inline[1] ?? '', inline[2] ?? '');
      } else if (cursor.text.startsWith('(?#', cursor.at)) {
        cursor.at = cursor.text.indexOf(')', cursor.at) + 1;
      } else {
        items.push(readRepeats(cursor, readAtom(cursor, switches), switches));
      }
    }
  }
  const sequences = branches.map((items): Node => only({ type: 'sequence', items }));
  return sequences.length === 1 && sequences[0] !== undefined
    ? sequences[0]
    : { type: 'choice', items: sequences };
}

function endOfLine(cursor: Cursor, from: number): number {
  const end = cursor.text.indexOf('\n', from);
  return end < 0 ? cursor.text.length : end + 1;
}

function readRepeats(cursor: Cursor, first: Node, switches: Switches): Node {
  let item = first;
  for (;;) {
    while (switches.verbose && /[\s#]/.test(cursor.text[cursor.at] ?? 'x')) {
      cursor.at = cursor.text[cursor.at] === '#' ? endOfLine(cursor, cursor.at) : cursor.at + 1;
    }
    const match = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})(\??)/.exec(
      cursor.text.slice(cursor.at, cursor.at + 24),
    );
    if (match === null) {
      return item;
    }
    cursor.at += match[0].length;
    const [, sign, low, comma, high, lazy] = match;
    const min = sign === undefined ? Number(low) : sign === '+' ? 1 : 0;
    const max = sign === undefined ? upper(Number(low), comma, high) : sign === '?' ? 1 : Infinity;
    item = { type: 'repeat', item, min, max, isLazy: (lazy === '?') !== switches.swapGreed };
  }
}

function upper(low: number, comma: string | undefined, high: string | undefined): number {
  if (comma === '') {
    return low;
  }
  return high === '' ? Infinity : Number(high);
}

function readAtom(cursor: Cursor, switches: Switches): Node {
  const character = cursor.text[cursor.at] ?? '';
  cursor.at += 1;
  switch (character) {
    case '(':
      return readGroup(cursor, switches);
    case '[':
      return readClass(cursor, switches);
    case '.':
      return { type: 'class', source: switches.dotAll ? '[^]' : '[^\\n]', ignoreCase: false };
    case '^':
      return { type: 'assertion', source: switches.multiline ? '(?m:^)' : '^' };
    case '$':
      return { type: 'assertion', source: switches.multiline ? '(?m:$)' : '$' };
    case '\\':
      return readEscape(cursor, switches);
    default:
      return { type: 'character', character, ignoreCase: switches.ignoreCase };
  }
}

function readGroup(cursor: Cursor, switches: Switches): Node {
  const opening = /^\?(?:P?<(\w+)>|([imsxU]*)(?:-([imsxU]+))?:)/.exec(
    cursor.text.slice(cursor.at, cursor.at + 48),
  );
  if (opening === null && cursor.text[cursor.at] === '?') {
    throw new Error(`unknown group at ${cursor.at}`);
  }
  cursor.at += opening?.[0].length ?? 0;
  const isPlain = opening !== null && opening[1] === undefined;
  const inner = changed(switches, opening?.[2] ?? '', opening?.[3] ?? '');
  const item = readChoice(cursor, inner);
  if (cursor.text[cursor.at] !== ')') {
    throw new Error('a group is not closed');
  }
  cursor.at += 1;
  return isPlain ? item : { type: 'group', item, name: opening?.[1] ?? null };
}

function readEscape(cursor: Cursor, switches: Switches): Node {
  const character = cursor.text[cursor.at] ?? '';
  cursor.at += 1;
  if (/[dDsSwW]/.test(character)) {
    return { type: 'class', source: `\\${character}`, ignoreCase: false };
  }
  if (/[bBAz]/.test(character)) {
    const source = character === 'A' ? '^' : character === 'z' ? '$' : `\\${character}`;
    return { type: 'assertion', source };
  }
  cursor.at -= 1;
  return { type: 'character', character: readEscaped(cursor), ignoreCase: switches.ignoreCase };
}

function readEscaped(cursor: Cursor): string {
  const character = cursor.text[cursor.at] ?? '';
  cursor.at += 1;
  const simple: Readonly<Record<string, string>> = {
    n: '\n',
    r: '\r',
    t: '\t',
    f: '\f',
    v: '\v',
  };
  if (character === 'x') {
    const digits = /^(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))/.exec(
      cursor.text.slice(cursor.at, cursor.at + 10),
    );
    cursor.at += digits?.[0].length ?? 0;
    return String.fromCharCode(Number.parseInt(digits?.[1] ?? digits?.[2] ?? '', 16));
  }
  if (/[A-Za-z0-9]/.test(character) && simple[character] === undefined) {
    throw new Error(`unknown escape \\${character}`);
  }
  return simple[character] ?? character;
}

function readClass(cursor: Cursor, switches: Switches): Node {
  let source = '[';
  if (cursor.text[cursor.at] === '^') {
    source += '^';
    cursor.at += 1;
  }
  for (let first = true; first || cursor.text[cursor.at] !== ']'; first = false) {
    const named = /^\[:(\w+):\]/.exec(cursor.text.slice(cursor.at, cursor.at + 12));
    if (cursor.at >= cursor.text.length) {
      throw new Error('a class is not closed');
    }
    if (named !== null) {
      cursor.at += named[0].length;
      source += posix[named[1] ?? ''] ?? '';
    } else if (/^\\[dDsSwW]/.test(cursor.text.slice(cursor.at, cursor.at + 2))) {
      source += cursor.text.slice(cursor.at, cursor.at + 2);
      cursor.at += 2;
    } else {
      source += readClassCharacter(cursor);
    }
  }
  cursor.at += 1;
  return { type: 'class', source: `${source}]`, ignoreCase: switches.ignoreCase };
}

function readClassCharacter(cursor: Cursor): string {
  if (cursor.text[cursor.at] === '\\') {
    cursor.at += 1;
    return escaped(readEscaped(cursor));
  }
  const character = cursor.text[cursor.at] ?? '';
  cursor.at += 1;
  return character === '-' ? '-' : escaped(character);
}

function only(node: Node & { type: 'sequence' }): Node {
  return node.items.length === 1 && node.items[0] !== undefined ? node.items[0] : node;
}

function changed(switches: Switches, on: string, off: string): Switches {
  const value = (letter: string, old: boolean): boolean =>
    on.includes(letter) || (old && !off.includes(letter));
  return {
    ignoreCase: value('i', switches.ignoreCase),
    dotAll: value('s', switches.dotAll),
    multiline: value('m', switches.multiline),
    verbose: value('x', switches.verbose),
    swapGreed: value('U', switches.swapGreed),
  };
}

/** A character as it may stand anywhere in an expression of JavaScript. */
export function escaped(character: string): string {
  if (/[\\^$.*+?()[\]{}|/-]/.test(character)) {
    return `\\${character}`;
  }
  const code = character.charCodeAt(0);
  return code < 0x20 || code > 0x7e ? `\\u${code.toString(16).padStart(4, '0')}` : character;
}
