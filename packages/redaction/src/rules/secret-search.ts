import type { Candidate, SearchWork } from '../resolve.ts';
import { createKeywordAutomaton } from '../text/keyword-automaton.ts';
import { beginsWord } from '../segments/context-words.ts';
import { isWordUnit } from '../segments/unit-classes.ts';
import { entropyOf } from './entropy.ts';
import { guardsOf, type Guards } from './guards.ts';
import { isCode, isOrdinaryValue, isPlaceholder, isPublicName } from './placeholder.ts';
import type { SecretRule } from './secret-rules.ts';
import { hasRun, lineEnd, tokenEnd } from './spaces.ts';

interface PreparedRule extends SecretRule {
  /** Compiled when a keyword first asks for it; most rules of a process never are. */
  compiled: CompiledRule | undefined;
  /** Up to where the rule was tried in the search of this number, so that keywords in a row cost one window. */
  triedTo: number;
  triedIn: number;
  /** Tried start by start. */
  readonly isNarrow: boolean;
  /** Units of work for each unit of a window. */
  readonly unitsPerUnit: number;
  /** What takes it long is one run of a value, and not the window. */
  readonly isOfRun: boolean;
  /** Knows names of variables only and no vendor's form, so the value has to convince by itself. */
  readonly isGeneric: boolean;
  /** Looks for passwords, which may be words. */
  readonly isPassword: boolean;
  /** The keyword is the match's beginning, and a word begins there. */
  readonly beginsWord: boolean;
}

interface CompiledRule extends Guards {
  readonly expression: RegExp;
  /** How far a match can go on at most. */
  readonly within: 'token' | 'line' | 'text';
  /** Every match ends with the keyword, or with what only ends a value. */
  readonly isLast: boolean;
}

/** Keywords that lie no further apart from a start than this are tried start by start. */
const spreadMax = 3;
/** As far before its keyword a match may begin at most. */
const farthest = 512;
/** What ends a value is no longer. */
const endMax = 4;
const contextReach = 512;
const nameReach = 96;
/** Nothing that keeps anybody out is shorter. */
const secretMin = 4;
const unitsPerMatch = 1_000;
const unitsPerTry = 8;
const unitsPerGuard = 20;
const runWindowMax = 256;
/** What takes no more is tried at once. */
const unitsGuarded = 60;
/** A rule that is not tried start by start takes at least as many for each place in which a match may begin. */
const wideUnitsMin = 5;
/** At most as many units of a run are looked at more than once, each as often as this many units of work allow. */
const runMax = 160;
const unitsPerRunUnit = 1.5;
const runRule = /^generic-api-key/;
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

  const { classes, rows, endingFrom } = automaton;
  let searches = 0;

  return function search(text, from, work) {
    let place: Place | undefined;
    let state = 0;
    for (let at = from; at < text.length; at += 1) {
      state = rows[state + (classes[text.charCodeAt(at)] ?? 0)] ?? 0;
      if (state >= endingFrom) {
        place ??= {
          text,
          work,
          number: (searches += 1),
          tokenEnd: -1,
          lineEnd: -1,
          runEnd: -1,
          prefixes,
        };
        for (const keyword of automaton.endingIn(state)) {
          tryRules(rulesOf[keyword] ?? [], at + 1 - (keywords[keyword] ?? '').length, place);
        }
      }
    }
  };
}

function tryRules(rules: readonly PreparedRule[], keywordAt: number, place: Place): void {
  const isWithin = isWithinWord(place.text, keywordAt);
  for (const rule of rules) {
    if (isWithin && rule.beginsWord) continue;
    if (place.work.budget.isExhausted()) return;
    tryRule(rule, keywordAt, place);
  }
}

/** Where rules are tried. */
interface Place {
  readonly text: string;
  readonly work: SearchWork;
  /** Of the search. */
  readonly number: number;
  readonly prefixes: RegExp;
  /** Where the token and the line of the last keyword end. */
  tokenEnd: number;
  lineEnd: number;
  /** Where the run of letters, digits and the signs of a value ends that the last keyword of some rules stands in. */
  runEnd: number;
}

function prepare(rule: SecretRule): PreparedRule {
  const [beforeMin, beforeMax] = rule.before;
  const isOfRun = runRule.test(rule.id);
  const isNarrow = beforeMax - beforeMin <= spreadMax;
  return {
    ...rule,
    compiled: undefined,
    triedTo: 0,
    triedIn: 0,
    isNarrow,
    isOfRun,
    isGeneric: keyRule.test(rule.id),
    beginsWord: beginsWord(rule),
    isPassword: !keyRule.test(rule.id) && passwordRule.test(rule.id),
    unitsPerUnit: isOfRun
      ? unitsPerRunUnit
      : Math.max(rule.units / (rule.lengthMax + beforeMax + 1), isNarrow ? 0 : wideUnitsMin),
  };
}

/** Both the character here and the one before it belong to words, so no word begins here. */
function isWithinWord(text: string, at: number): boolean {
  return at > 0 && isWordUnit(text.charCodeAt(at - 1)) && isWordUnit(text.charCodeAt(at));
}

function tryRule(rule: PreparedRule, keywordAt: number, place: Place): void {
  const { text, work, number } = place;
  const [beforeMin, beforeMax] = rule.before;
  const triedTo = rule.triedIn === number ? rule.triedTo : 0;
  const first = Math.max(0, keywordAt - beforeMax, triedTo);
  const last = keywordAt - beforeMin;
  if (last < first) return;
  rule.compiled ??= compile(rule);
  const { within, isLast, behind } = rule.compiled;
  if (behind !== undefined && !stands(behind, text, keywordAt)) {
    work.budget.take(unitsPerTry);
    return;
  }
  const most = isLast
    ? keywordAt + (rule.keywords[0] ?? '').length + endMax
    : last + rule.lengthMax;
  // One character more on each side lets word bounds see what is there.
  const end = Math.min(endOf(within, place, keywordAt, most) + 1, text.length);
  rule.triedIn = number;
  rule.triedTo = triedTo;
  // A long window is not looked through for each keyword.
  const size = end - first;
  const isLong = size > runWindowMax;
  if (size < rule.lengthMin || (!isLong && !hasRun(text, { from: first, end }, rule.runMin))) {
    work.budget.take(unitsPerTry + (size >> 3));
  } else if (tryStarts(rule, { first, last, end }, place)) return;
  // Whatever begins up to here has been looked at with all that may belong to it.
  if (!isLast) rule.triedTo = last + 1;
}

/** Tries the rule where a match may begin; true when it need not be said that all of it was tried. */
function tryStarts(
  rule: PreparedRule,
  { first, last, end }: { readonly first: number; readonly last: number; readonly end: number },
  place: Place,
): boolean {
  const { text, work } = place;
  const { expression, head } = (rule.compiled ??= compile(rule));
  const from = Math.max(0, first - 1);
  const window = text.slice(from, end);
  const price = priceOf(rule, rule.isOfRun ? runLength(place, last) : window.length);
  const guard = rule.isNarrow && price > unitsGuarded ? head : undefined;
  for (let start = first; start <= last; start += 1) {
    if (guard !== undefined && !standsAt(guard, window, start - from)) {
      work.budget.take(unitsPerGuard);
      continue;
    }
    if (!work.budget.take(price)) return true;
    expression.lastIndex = start - from;
    const match = expression.exec(window);
    if (match !== null && isFound(rule, match, from, place)) return true;
    if (!rule.isNarrow) {
      if (match === null || match[0].length === 0) break;
      start = from + match.index;
    }
  }
  return false;
}

function priceOf({ unitsPerUnit }: PreparedRule, length: number): number {
  return Math.ceil(unitsPerTry + unitsPerUnit * length);
}

/** Whether the match is a secret, which is then noted; offsets of the match count from `from`. */
function isFound(rule: PreparedRule, match: RegExpExecArray, from: number, place: Place): boolean {
  const { text, work, prefixes } = place;
  work.budget.take(unitsPerMatch);
  const candidate = readMatch(rule, match, { text, from, prefixes });
  if (candidate === null) return false;
  work.found.push(candidate);
  rule.triedTo = from + match.index + match[0].length;
  return true;
}

function standsAt(form: RegExp, text: string, at: number): boolean {
  form.lastIndex = at;
  return form.test(text);
}

function stands(
  { form, size }: NonNullable<Guards['behind']>,
  text: string,
  keywordAt: number,
): boolean {
  return keywordAt >= size && form.test(text.slice(keywordAt - size, keywordAt));
}

/** Where a match with a keyword at this place ends at the latest. */
function endOf(within: CompiledRule['within'], place: Place, from: number, most: number): number {
  switch (within) {
    case 'token':
      if (place.tokenEnd < from) place.tokenEnd = tokenEnd(place.text, from);
      return Math.min(place.tokenEnd, most);
    case 'line':
      if (place.lineEnd < from) place.lineEnd = lineEnd(place.text, from);
      return Math.min(place.lineEnd, most);
    case 'text':
      return most;
  }
}

function runLength(place: Place, from: number): number {
  if (place.runEnd < from) {
    let at = from;
    while (at < place.text.length && isOfValue[place.text.charCodeAt(at)] === 1) at += 1;
    place.runEnd = at;
  }
  return Math.min(place.runEnd - from, runMax);
}

/** One for each unit that a value may have in it. */
const isOfValue = Uint8Array.from({ length: 0x100 }, (_, unit) =>
  /[\w.=+/-]/.test(String.fromCharCode(unit)) ? 1 : 0,
);

const atoms = /\[(?:\\[^]|[^\]\\])*\]|\\(?:u[0-9a-f]{4}|[^])|\(\?[a-z:-]+|[^]/gi;

function compile({ expression, flags, isNarrow, before, keywords }: PreparedRule): CompiledRule {
  // What only ends a value may be white space; one unit behind the token is looked at anyway.
  const head = expression.replace(/\(\?:[^()]*\|\$\)$/, '');
  const parts = (head.match(atoms) ?? []).filter((part) => /^(?:[[\\\s]|[^]$)/.test(part));
  const spaces = parts.filter((part) => !/^[()|?*+{}^$]$/.test(part)).map(spaceOf);
  const ending = head
    .replace(/[)]+$|\\b$/g, '')
    .replaceAll(/\\(?=[^a-z0-9])/gi, '')
    .toLowerCase();
  const [keyword = '', ...others] = keywords;
  const isLast = others.length === 0 && ending.endsWith(keyword);
  return {
    ...guardsOf({ expression, flags, keywords, isLast }),
    isLast,
    expression: new RegExp(expression, `${flags}${isNarrow ? 'y' : 'g'}`),
    // A keyword that may be as far away as anything may also stand outside the match.
    within:
      spaces.includes('text') || before[1] >= farthest
        ? 'text'
        : spaces.includes('line')
          ? 'line'
          : 'token',
  };
}

/** The widest stretch that a class or a character can be a part of. */
function spaceOf(part: string): CompiledRule['within'] {
  const expression = new RegExp(`^${part}$`);
  if (expression.test('\n')) return 'text';
  return [' ', '\t', '\r', '\u00a0'].some((space) => expression.test(space)) ? 'line' : 'token';
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
    secret.length < secretMin ||
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
