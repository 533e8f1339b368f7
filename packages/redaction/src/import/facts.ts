import type { Node } from './expression.ts';

/** Literals of which every match holds at least one, and how far from the match's start it may lie. */
export interface KeywordSet {
  readonly literals: readonly string[];
  readonly beforeMin: number;
  readonly beforeMax: number;
}

/** What can be known of every match of a node without a text. */
export interface NodeFacts {
  readonly min: number;
  readonly max: number;
  /** All strings the node matches, in small letters, if they are few. */
  readonly exact: readonly string[] | null;
  readonly keywords: KeywordSet | null;
}

const exactMax = 48;
const lengthMax = 40;

// Words that stand everywhere in code and logs: a rule that hangs on one is tried too often.
const commonWords = new Set(
  'key token http https secret password pass user name auth api client com bearer access test id account www app private public data type value url host begin api_key'.split(
    ' ',
  ),
);

/** Length, literals and best keywords of a node. */
export function factsOf(node: Node): NodeFacts {
  switch (node.type) {
    case 'assertion':
      return { min: 0, max: 0, exact: [''], keywords: null };
    case 'character':
      return { min: 1, max: 1, exact: [node.character.toLowerCase()], keywords: null };
    case 'class':
      return { min: 1, max: 1, exact: membersOf(node.source), keywords: null };
    case 'group':
      return factsOf(node.item);
    case 'repeat':
      return repeatFacts(node);
    case 'choice':
      return choiceFacts(node.items.map(factsOf));
    case 'sequence':
      return sequenceFacts(node.items.map(factsOf));
  }
}

/** How good a prefilter the set is; below zero it is none. */
export function scoreOf(set: KeywordSet | null): number {
  if (set === null || set.literals.length === 0) {
    return -1;
  }
  const worth = Math.min(...set.literals.map(worthOf));
  if (worth < 2) {
    return -1;
  }
  const spread = set.beforeMax - set.beforeMin;
  return Math.min(worth, 12) * 4 - Math.log2(set.literals.length) * 2 + (spread <= 3 ? 8 : 0);
}

function worthOf(literal: string): number {
  const word = literal.replaceAll(/^[^a-z]+|[^a-z]+$/g, '');
  return commonWords.has(word) ? Math.min(2.2, literal.length) : literal.length;
}

function membersOf(source: string): readonly string[] | null {
  const expression = new RegExp(`^${source}$`, 's');
  if (expression.test('\u0100') || expression.test('\u4e00')) {
    return null;
  }
  const members = new Set<string>();
  for (let code = 0; code < 128; code += 1) {
    const character = String.fromCharCode(code);
    if (expression.test(character)) {
      members.add(character.toLowerCase());
    }
  }
  return members.size <= 4 ? [...members] : null;
}

function repeatFacts(node: Node & { type: 'repeat' }): NodeFacts {
  const inner = factsOf(node.item);
  const min = inner.min * node.min;
  const max = node.max === 0 ? 0 : inner.max * node.max;
  const keywords = node.min > 0 ? (inner.keywords ?? exactKeywords(inner.exact, 0, 0)) : null;
  let exact: readonly string[] | null = null;
  if (node.max <= 8 && inner.exact !== null) {
    exact = [];
    let power: readonly string[] | null = [''];
    for (let times = 0; times <= node.max && exact !== null && power !== null; times += 1) {
      exact = times >= node.min ? union(exact, power) : exact;
      power = product(power, inner.exact);
    }
    exact = power === null && node.max > 1 ? null : exact;
  }
  return { min, max, exact, keywords };
}

function choiceFacts(branches: readonly NodeFacts[]): NodeFacts {
  let exact: readonly string[] | null = [];
  let keywords: KeywordSet | null = { literals: [], beforeMin: Infinity, beforeMax: 0 };
  for (const branch of branches) {
    exact = exact === null || branch.exact === null ? null : union(exact, branch.exact);
    const own: KeywordSet | null = better(exactKeywords(branch.exact, 0, 0), branch.keywords);
    const literals: readonly string[] | null =
      keywords === null || own === null ? null : union(keywords.literals, own.literals);
    keywords =
      keywords === null || own === null || literals === null
        ? null
        : {
            literals,
            beforeMin: Math.min(keywords.beforeMin, own.beforeMin),
            beforeMax: Math.max(keywords.beforeMax, own.beforeMax),
          };
  }
  return {
    min: Math.min(...branches.map(({ min }) => min)),
    max: Math.max(...branches.map(({ max }) => max)),
    exact,
    keywords,
  };
}

function sequenceFacts(items: readonly NodeFacts[]): NodeFacts {
  let min = 0;
  let max = 0;
  let whole: readonly string[] | null = [''];
  let run: readonly string[] = [''];
  let runMin = 0;
  let runMax = 0;
  let best: KeywordSet | null = null;
  for (const item of items) {
    const longer = item.exact === null ? null : product(run, item.exact);
    whole = whole === null || item.exact === null ? null : product(whole, item.exact);
    if (longer === null) {
      best = better(best, exactKeywords(run, runMin, runMax));
      run = item.exact ?? [''];
      runMin = item.exact === null ? min + item.min : min;
      runMax = item.exact === null ? max + item.max : max;
    } else {
      run = longer;
    }
    best = better(best, shifted(item.keywords, min, max));
    min += item.min;
    max += item.max;
  }
  return { min, max, exact: whole, keywords: better(best, exactKeywords(run, runMin, runMax)) };
}

function shifted(set: KeywordSet | null, min: number, max: number): KeywordSet | null {
  return set === null
    ? null
    : { ...set, beforeMin: set.beforeMin + min, beforeMax: set.beforeMax + max };
}

function exactKeywords(
  literals: readonly string[] | null,
  beforeMin: number,
  beforeMax: number,
): KeywordSet | null {
  return literals === null ? null : { literals, beforeMin, beforeMax };
}

function better(one: KeywordSet | null, other: KeywordSet | null): KeywordSet | null {
  return scoreOf(other) > scoreOf(one) ? other : one;
}

function union(one: readonly string[], other: readonly string[]): readonly string[] | null {
  const joined = [...new Set([...one, ...other])];
  return joined.length <= exactMax ? joined : null;
}

function product(one: readonly string[], other: readonly string[]): readonly string[] | null {
  if (one.length * other.length > exactMax) {
    return null;
  }
  const joined = one.flatMap((head) => other.map((tail) => head + tail));
  return joined.some((text) => text.length > lengthMax) ? null : [...new Set(joined)];
}
