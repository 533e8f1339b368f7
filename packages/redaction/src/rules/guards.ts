/** Cheap to ask of a place, and rarely so by chance: where it does not hold, a rule has nothing to find. */
export interface Guards {
  /** Sticky; every match begins with a match of it. */
  readonly head: RegExp | undefined;
  /** So many units right before the keyword with which every match ends are of this form. */
  readonly behind: { readonly form: RegExp; readonly size: number } | undefined;
}

/** What guards are read from. */
export interface GuardedRule {
  readonly expression: string;
  readonly flags: string;
  readonly keywords: readonly string[];
  /** Every match ends with the first keyword, or with what only ends a value. */
  readonly isLast: boolean;
}

/** Reads off an expression what it costs little to ask first. */
export function guardsOf({ expression, flags, keywords, isLast }: GuardedRule): Guards {
  const head = headOf(expression);
  const longest = Math.max(...keywords.map(({ length }) => length));
  return {
    // The keyword stands there anyway.
    head: head.length > longest + headMin ? new RegExp(head, `${flags}y`) : undefined,
    behind: isLast ? behindOf(expression, flags, keywords[0] ?? '') : undefined,
  };
}

const headMin = 4;
/** As often as this one part of a head may be repeated; nothing else of it is. */
const timesMax = 32;
const atom = /\\u[0-9a-f]{4}|\\[^]|\[(?:\\[^]|[^\]\\])*\]|\(\?<?[=!]|\(\?[a-z-]*:|[^]/giy;
const times = /[*+?]\??|\{(\d+)(?:,(\d*))?\}\??/y;

/** The beginning of the expression, up to where it could go on for long. */
function headOf(expression: string): string {
  let end = 0;
  let isBounded = false;
  while (end < expression.length) {
    const atomEnd = endOfAtom(expression, end);
    if (atomEnd === undefined) break;
    const { kind, size } = repetitionAt(expression, atomEnd);
    const isGroup = expression.startsWith('(', end);
    if (kind === 'open' || (kind === 'bounded' && isBounded)) break;
    if (isGroup && (kind === 'bounded' || kind === 'fixed')) break;
    isBounded ||= kind === 'bounded';
    end = atomEnd + size;
  }
  return expression.slice(0, end);
}

interface Repetition {
  readonly kind: 'none' | 'optional' | 'fixed' | 'bounded' | 'open';
  /** Of what says so in the expression. */
  readonly size: number;
}

/** How often the part is repeated that ends here. */
function repetitionAt(expression: string, at: number): Repetition {
  times.lastIndex = at;
  const [sign = '', least, most = least] = times.exec(expression) ?? [];
  const size = sign.length;
  if (sign === '') return { kind: 'none', size };
  if (sign === '?') return { kind: 'optional', size };
  if (least === undefined || most === '' || Number(most) > timesMax) {
    return { kind: least !== undefined && least === most ? 'fixed' : 'open', size };
  }
  return { kind: least === most ? 'fixed' : 'bounded', size };
}

/** Behind a part of the expression; undefined where it is a group in which something is repeated. */
function endOfAtom(expression: string, from: number): number | undefined {
  let depth = 0;
  let at = from;
  do {
    atom.lastIndex = at;
    const [text = ''] = atom.exec(expression) ?? [];
    if (text.startsWith('(')) depth += 1;
    else if (text === ')') depth -= 1;
    else if (depth > 0 && /^[*+{]$/.test(text)) return undefined;
    at += text.length;
  } while (depth > 0 && at < expression.length);
  return depth === 0 ? at : undefined;
}

const lastClass = /(\[(?:\\[^]|[^\]\\])*\])(?:\{(\d+)(?:,\d*)?\}|\+)?$/;

function behindOf(expression: string, flags: string, keyword: string): Guards['behind'] {
  const end = expression.toLowerCase().lastIndexOf(keyword);
  const [, units, least = '1'] = lastClass.exec(expression.slice(0, Math.max(end, 0))) ?? [];
  const size = Number(least);
  if (units === undefined || size === 0) return undefined;
  return { form: new RegExp(`^${units}{${size}}$`, flags), size };
}
