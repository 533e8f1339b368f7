import type { ToolDefinition } from '@modelhost/kernel';
import { HostError } from '@modelhost/kernel';
import { plainActions } from './actions.ts';
import type { RuleSetPart } from './annotations.ts';
import { readArgumentType } from './argument-types.ts';
import { sharedCedar } from './cedar-runtime.ts';
import type { CedarRuntime } from './cedar-runtime.ts';
import { createRuleIndex } from './index/rule-index.ts';
import type { RuleIndex } from './index/rule-index.ts';
import type { PolicyFile } from './policy-file.ts';
import { invalidRule, readRules } from './rules.ts';
import type { Rule } from './rules.ts';
import { actionIdsOf } from './schema.ts';
import type { SchemaSubject } from './schema.ts';
import { createSlice } from './slices.ts';

/** The text of a rule set, and where it comes from. */
export interface RuleSetSource {
  readonly name: string;
  /** Whose requests it decides: everybody's, or those of one tenant. */
  readonly scope: 'platform' | { readonly tenant: string };
  /** Of the bundle; 0 for rules that come from a directory. */
  readonly revision: number;
  /** Digest of the content; decisions name it. */
  readonly digest: string;
  readonly files: readonly PolicyFile[];
  /** Tools that rules are checked against; rules about others are checked when they are first asked about. */
  readonly tools: readonly ToolDefinition[];
}

/** Rules that are ready to decide. It never changes. */
export interface RuleSet {
  readonly source: Omit<RuleSetSource, 'files'>;
  /** Who may. */
  readonly authorize: RuleIndex;
  /** What must be done; grants nothing. */
  readonly oblige: RuleIndex;
}

/** The rules of a rule set by part, as they stand in the files. */
export interface RuleSetRules {
  readonly authorize: readonly Rule[];
  readonly oblige: readonly Rule[];
}

/** The rule sets that decide about a tenant. A snapshot: what it answers never changes. */
export interface PolicySource {
  rulesFor(tenant: string): readonly RuleSet[];
}

/** The one rule set decides, about those whom it is for. */
export function singleSource(ruleSet: RuleSet): PolicySource {
  const { scope } = ruleSet.source;
  const [one, none]: readonly (readonly RuleSet[])[] = [[ruleSet], []];
  return {
    rulesFor: (tenant) => (scope === 'platform' || scope.tenant === tenant ? one : none) ?? [],
  };
}

/**
 * Reads and checks the rules on this thread, which takes about a second for 10,000 of them. Throws `config_invalid`, with
 * file, line, column and remedy, for the first that cannot be used.
 */
export function readRuleSet({ files, ...source }: RuleSetSource): RuleSet {
  const rules = readRuleSetRules(files, source.tools, sharedCedar);
  return {
    source,
    authorize: createRuleIndex(rules.authorize),
    oblige: createRuleIndex(rules.oblige),
  };
}

/** The same before it is indexed, on a runtime of the caller's own. */
export function readRuleSetRules(
  files: readonly PolicyFile[],
  tools: readonly ToolDefinition[],
  cedar: CedarRuntime,
): RuleSetRules {
  const byPart: Record<RuleSetPart, PolicyFile[]> = { authorize: [], oblige: [] };
  for (const file of files) {
    const part = partOf(file.name);
    if (part !== undefined) byPart[part].push(file);
  }
  const authorize = readRules(byPart.authorize, 'authorize', cedar);
  const oblige = readRules(byPart.oblige, 'oblige', cedar);
  checkIds(authorize, oblige);
  for (const rules of [authorize, oblige]) checkSubjects(rules, tools, cedar);
  return { authorize, oblige };
}

/** The part that a file of a rule set belongs to; undefined for a file without rules. Throws `config_invalid` for rules that would belong to none. */
export function partOf(name: string): RuleSetPart | undefined {
  if (!name.endsWith('.cedar')) return undefined;
  if (name === 'oblige.cedar' || /^oblige\/[^/]+$/.test(name)) return 'oblige';
  if (/^(?:authorize\/)?[^/]+$/.test(name)) return 'authorize';
  throw new HostError(
    'config_invalid',
    `${name}: rules stand here that belong to no part; move the file to the top, to authorize/ or to oblige/`,
  );
}

function checkIds(authorize: readonly Rule[], oblige: readonly Rule[]): void {
  const places = new Map(authorize.map(({ id, place }) => [id, place]));
  for (const { id, place } of oblige) {
    const twin = places.get(id);
    if (twin === undefined) continue;
    throw invalidRule(
      place,
      `a rule "${id}" stands at ${twin} already`,
      'give each rule an @id of its own',
    );
  }
}

/** What can be known now of a rule that does not fit need not wait for its first use. */
function checkSubjects(
  rules: readonly Rule[],
  tools: readonly ToolDefinition[],
  cedar: CedarRuntime,
): void {
  const subjects: readonly SchemaSubject[] = [
    ...plainActions.map((action) => ({ type: 'plain', action }) as const),
    ...tools.map(subjectOf),
  ];
  for (const subject of subjects) checkSubject(rules, subject, cedar);
}

function subjectOf({ name, inputSchema, summedArguments = [] }: ToolDefinition): SchemaSubject {
  return {
    type: 'tool',
    action: name,
    arguments: readArgumentType(inputSchema),
    sums: summedArguments,
  };
}

function checkSubject(rules: readonly Rule[], subject: SchemaSubject, cedar: CedarRuntime): void {
  const ids = actionIdsOf(subject);
  const about = rules.filter(
    ({ actions, entitiesRead }) =>
      // The head of a rule is checked when it is read.
      entitiesRead.hasConditions &&
      (actions === undefined || actions.some((id) => ids.includes(id))),
  );
  if (about.length === 0) return;
  const slice = createSlice(about, subject, cedar);
  if (slice.type === 'sound') return;
  const [problem] = slice.problems;
  const rule = about.find(({ id }) => id === problem?.rule);
  throw invalidRule(
    rule?.place ?? 'policies',
    `rule "${rule?.id ?? ''}" does not fit the action ${subject.action}: ${problem?.detail ?? ''}`,
    'correct the condition, or name the actions that the rule is about',
  );
}
