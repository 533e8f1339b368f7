import type { Candidate, SearchWork } from '../resolve.ts';
import { createKeywordAutomaton } from '../text/keyword-automaton.ts';
import { beginsWord } from '../segments/context-words.ts';
import { isWordUnit } from '../segments/unit-classes.ts';
import { entropyOf } from './entropy.ts';
import { isCode, isOrdinaryValue, isPlaceholder, isPublicName } from './placeholder.ts';
import type { SecretRule } from './secret-rules.ts';

interface PreparedRule extends SecretRule {
  readonly index: number;
  /** Compiled when a keyword first asks for it; most rules of a process never are. */
  compiled: RegExp | undefined;
  /** Tried start by start. */
  readonly isNarrow: boolean;
  /** Units of work for each unit of a window. */
  readonly unitsPerUnit: number;
  /** Knows names of variables only and no vendor's form, so the value has to convince by itself. */
  readonly isGeneric: boolean;
  /** Looks for passwords, which may be words. */
  readonly isPassword: boolean;
  /** The keyword is the match's beginning, and a word begins there. */
  readonly beginsWord: boolean;
}

/** Keywords that lie no further apart from a start than this are tried start by start. */
const spreadMax = 3;
const contextReach = 512;
const nameReach = 96;
const unitsPerMatch = 1_000;
const unitsPerTry = 8;
const keyRule = /^generic-|^(?:np|kingfisher)\.generic\.[12]$/;
const passwordRule = /^(?:np|kingfisher)\.generic\.|credentials/;

/** Finds secrets by rules; every rule is tried only where one of its keywords stands. */
export function createSecretSearch(
  rules: readonly SecretRule[],
): (text: string, from: number, work: SearchWork) => void {
  const prepared = rules.map(prepare);
  const keywords = [...new Set(rules.flatMap((rule) => rule.keywords))];
  const rulesOf = keywords.map((): PreparedRule[] => []);
  const places = new Map(keywords.map((keyword, index) => [keyword, index]));
  for (const rule of prepared) {
    for (const keyword of rule.keywords) {
      rulesOf[places.get(keyword) ?? -1]?.push(rule);
    }
  }
  const prefixes = vendorPrefixes(prepared);
  const automaton = createKeywordAutomaton(keywords);

  return function search(text, from, work) {
    const place: Place = { text, work, triedTo: new Map(), prefixes };
    automaton.scan(text, from, text.length, (keyword, end) => {
      const at = end - (keywords[keyword] ?? '').length;
      const isWithin = isWithinWord(text, at);
      for (const rule of rulesOf[keyword] ?? []) {
        if (isWithin && rule.beginsWord) continue;
        if (work.budget.isExhausted()) return;
        tryRule(rule, at, place);
      }
    });
  };
}

/** Where rules are tried. */
interface Place {
  readonly text: string;
  readonly work: SearchWork;
  /** Up to where each rule has already been tried, so that keywords in a row cost one window. */
  readonly triedTo: Map<number, number>;
  readonly prefixes: RegExp;
}

function prepare(rule: SecretRule, index: number): PreparedRule {
  const [beforeMin, beforeMax] = rule.before;
  const isNarrow = beforeMax - beforeMin <= spreadMax;
  return {
    ...rule,
    index,
    compiled: undefined,
    isNarrow,
    isGeneric: keyRule.test(rule.id),
    beginsWord: beginsWord(rule),
    isPassword: !keyRule.test(rule.id) && passwordRule.test(rule.id),
    unitsPerUnit: rule.units / (rule.lengthMax + beforeMax + 1),
  };
}

/** Both the character here and the one before it belong to words, so no word begins here. */
function isWithinWord(text: string, at: number): boolean {
  return at > 0 && isWordUnit(text.charCodeAt(at - 1)) && isWordUnit(text.charCodeAt(at));
}

function tryRule(rule: PreparedRule, keywordAt: number, place: Place): void {
  const { text, work, triedTo } = place;
  const [beforeMin, beforeMax] = rule.before;
  const first = Math.max(0, keywordAt - beforeMax, triedTo.get(rule.index) ?? 0);
  const last = keywordAt - beforeMin;
  if (last < first) return;
  rule.compiled ??= new RegExp(rule.expression, `${rule.flags}${rule.isNarrow ? 'y' : 'g'}`);
  // One character more on each side lets word bounds see what is there.
  const from = Math.max(0, first - 1);
  const window = text.slice(from, last + rule.lengthMax + 1);
  const price = Math.ceil(unitsPerTry + rule.unitsPerUnit * window.length);
  for (let start = first; start <= last; start += 1) {
    if (!work.budget.take(price)) return;
    rule.compiled.lastIndex = start - from;
    const match = rule.compiled.exec(window);
    if (match !== null) {
      work.budget.take(unitsPerMatch);
      const candidate = readMatch(rule, match, { text, from, prefixes: place.prefixes });
      if (candidate !== null) {
        work.found.push(candidate);
        triedTo.set(rule.index, from + match.index + match[0].length);
        return;
      }
    }
    if (!rule.isNarrow) {
      if (match === null || match[0].length === 0) return;
      start = from + match.index;
    }
  }
}

function readMatch(
  rule: PreparedRule,
  match: RegExpExecArray,
  place: { readonly text: string; readonly from: number; readonly prefixes: RegExp },
): Candidate | null {
  const group =
    rule.secretGroup > 0
      ? rule.secretGroup
      : Math.max(
          0,
          match.findIndex((value, index) => index > 0 && Boolean(value)),
        );
  const secret = match[group] ?? match[0];
  // The last place in the match: what stands before a secret names it, what follows only ends it.
  const start = place.from + match.index + match[0].lastIndexOf(secret);
  const name = place.text.slice(Math.max(0, start - nameReach), start);
  const isRefused =
    entropyOf(secret) < entropyMin(rule, secret) ||
    isPlaceholder(secret) ||
    (rule.isPassword && isCode(secret)) ||
    (rule.isGeneric &&
      (place.prefixes.test(secret) || isOrdinaryValue(secret) || isPublicName(name))) ||
    !hasContext(rule, place.text, start);
  if (isRefused) {
    return null;
  }
  const end = start + secret.length;
  return {
    detector: rule.id,
    kind: 'SECRET',
    start,
    end,
    rank: rule.isGeneric || rule.isPassword ? 1 : 2,
  };
}

/** A short secret, or one of few signs, cannot have the entropy that upstream asks of all. */
function entropyMin(rule: PreparedRule, secret: string): number {
  if (rule.isGeneric || rule.isPassword) {
    return rule.entropy;
  }
  const signs = /^\d+$/.test(secret)
    ? 10
    : rule.entropy <= 3.5 && /^[\da-f-]+$/i.test(secret)
      ? 16
      : 64;
  return Math.min(rule.entropy, 0.79 * Math.log2(Math.min(signs, secret.length)));
}

function hasContext(rule: SecretRule, text: string, start: number): boolean {
  if (rule.context.length === 0) {
    return true;
  }
  const around = text.slice(Math.max(0, start - contextReach), start + contextReach).toLowerCase();
  return rule.context.some((word) => around.includes(word));
}

/**
 * The beginnings by which vendors mark their tokens. A value that carries one belongs to its
 * vendor's rule, and is no token if that rule does not take it.
 */
function vendorPrefixes(rules: readonly PreparedRule[]): RegExp {
  const prefixes = new Set<string>();
  for (const { before, keywords, isGeneric } of rules) {
    if (before[1] === 0 && !isGeneric) {
      for (const keyword of keywords) {
        if (/^[a-z]\w{1,10}[-_.]$/.test(keyword)) {
          prefixes.add(keyword.replaceAll('.', '\\.'));
        }
      }
    }
  }
  return new RegExp(`^(?:${[...prefixes].join('|')})`, 'i');
}
