import { writeFileSync } from 'node:fs';
import { emit } from './emit.ts';
import { readExpression, type Node } from './expression.ts';
import { factsOf, scoreOf, type KeywordSet } from './facts.ts';
import { measure } from './measure.ts';
import { reduce } from './reduce.ts';
import { runMinOf } from './runs.ts';
import { readUpstreamRules, type UpstreamRule } from './sources.ts';

/*
 * Makes src/rules/secret-rules.json from the rule files of gitleaks, betterleaks, noseyparker and
 * kingfisher. Usage: node packages/redaction/src/import/main.ts [directory of the rule files]
 */

interface ImportedRule {
  id: string;
  readonly origins: string[];
  readonly expression: string;
  readonly flags: string;
  readonly secretGroup: number;
  entropy: number;
  readonly keywords: readonly string[];
  readonly context: readonly string[];
  readonly before: readonly [number, number];
  readonly lengthMin: number;
  readonly runMin: number;
  readonly lengthMax: number;
  readonly units: number;
  readonly growth: string;
}

const beforeBound = 512;
const lengthBound = 4_096;
const blockBound = 16_384;
const unitsAim = 16_384;

const directory =
  process.argv[2] ?? new URL('../../../../../shared/data/redaction', import.meta.url).pathname;
const target = new URL('../rules/secret-rules.json', import.meta.url);
const rules = new Map<string, ImportedRule>();
const left: string[] = [];
const tooCostly: string[] = [];

for (const upstream of readUpstreamRules(directory)) {
  addRule(upstream);
}
const lines = [...rules.values()].map((rule) => `  ${JSON.stringify(rule)}`);
writeFileSync(target, `[\n${lines.join(',\n')}\n]\n`);
report();

function addRule(upstream: UpstreamRule): void {
  const root = reduce(readExpression(upstream.expression));
  const { source, flags, namedSecret } = emit(root);
  const facts = factsOf(root);
  const set = chooseKeywords(facts.keywords, upstream);
  if (set === null) {
    left.push(upstream.id);
    return;
  }
  const same = rules.get(`${flags}/${source}`);
  if (same !== undefined) {
    same.origins.push(upstream.origin);
    same.entropy = Math.min(same.entropy, upstream.entropy);
    return;
  }
  const isBlock = /PRIVATE KEY|BEGIN/.test(source);
  const fitted = fit({
    root,
    set,
    source,
    flags,
    lengthMax: Math.min(facts.max, isBlock ? blockBound : lengthBound),
  });
  // It would find nothing: at a price that can be paid, it sees less than its shortest match.
  if (fitted.lengthMax < facts.min) {
    tooCostly.push(upstream.id);
    return;
  }
  rules.set(`${flags}/${source}`, {
    id: uniqueId(upstream),
    origins: [upstream.origin],
    expression: source,
    flags,
    secretGroup: upstream.secretGroup === 0 ? namedSecret : upstream.secretGroup,
    entropy: upstream.entropy,
    keywords: set.literals,
    context: contextOf(set.literals, upstream),
    before: fitted.before,
    lengthMin: facts.min,
    runMin: runMinOf(root),
    lengthMax: fitted.lengthMax,
    units: fitted.units,
    growth: fitted.growth,
  });
}

/** Costly rules look less far, step by step, until one attempt is worth its price. */
function fit(rule: {
  readonly root: Node;
  readonly set: KeywordSet;
  readonly source: string;
  readonly flags: string;
  readonly lengthMax: number;
}): Pick<ImportedRule, 'before' | 'lengthMax' | 'units' | 'growth'> {
  const { root, set, source, flags } = rule;
  for (let bound = rule.lengthMax; ; bound = bound > 1_024 ? 1_024 : bound >> 1) {
    // Only a rule that was too costly looks less far back, and never less than its keyword needs.
    const reach = bound === rule.lengthMax ? beforeBound : Math.max(bound >> 1, 32);
    const before = [
      Math.min(set.beforeMin, beforeBound),
      Math.max(Math.min(set.beforeMin, beforeBound), Math.min(set.beforeMax, reach)),
    ] as const;
    const expression = new RegExp(source, `${flags}${before[1] - before[0] <= 3 ? 'y' : 'g'}`);
    const keywords = set.literals;
    const cost = measure({ expression, root, keywords, beforeMax: before[1], lengthMax: bound });
    if (cost.units <= unitsAim || bound <= 64) {
      return { before, lengthMax: bound, ...cost };
    }
  }
}

/** Words of which upstream wants one nearby, if what is looked for does not hold one by itself. */
function contextOf(literals: readonly string[], upstream: UpstreamRule): readonly string[] {
  const isImplied = literals.every((literal) =>
    upstream.keywords.some((keyword) => literal.includes(keyword)),
  );
  return isImplied ? [] : upstream.keywords;
}

/** Upstream's own keywords help only where no literal of the expression does; they may stand apart. */
function chooseKeywords(derived: KeywordSet | null, upstream: UpstreamRule): KeywordSet | null {
  if (scoreOf(derived) > 0) {
    return derived;
  }
  const literals = upstream.keywords.filter((keyword) => keyword.length >= 2);
  return literals.length === 0 || literals.length < upstream.keywords.length
    ? null
    : { literals, beforeMin: 0, beforeMax: beforeBound };
}

function uniqueId(upstream: UpstreamRule): string {
  const taken = new Set([...rules.values()].map(({ id }) => id));
  let id = upstream.id;
  for (let number = 2; taken.has(id); number += 1) {
    id = `${upstream.id}.${upstream.origin}-${number}`;
  }
  return id;
}

function report(): void {
  const all = [...rules.values()];
  const costly = all.toSorted((a, b) => b.units - a.units).slice(0, 12);
  const grown = all.filter(({ growth }) => growth === 'super-linear').length;
  const wide = all.filter(({ before }) => before[1] - before[0] > 3).length;
  console.log(`${all.length} rules; ${grown} grow faster than their text; ${wide} need a search`);
  console.log(`without a keyword, left out: ${left.join(', ')}`);
  console.log(`too costly to look far enough, left out: ${tooCostly.join(', ')}`);
  for (const { id, units, growth, before, lengthMax } of costly) {
    console.log(`${units / 100} us ${growth} ${id} before ${before.join('-')} length ${lengthMax}`);
  }
}
