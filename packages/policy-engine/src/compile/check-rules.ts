import type { SchemaJson, ValidationError } from '@cedar-policy/cedar-wasm/nodejs';
import type { ToolDefinition } from '@modelhost/kernel';
import { actionGroups, plainActions, reservedActions } from '../actions.ts';
import { readArgumentType } from '../argument-types.ts';
import type { CedarRuntime } from '../cedar-runtime.ts';
import { uidOf } from '../entity-uid.ts';
import type { Rule } from '../rules.ts';
import { actionIdsOf, schemaFor } from '../schema.ts';
import type { SchemaSubject } from '../schema.ts';
import { areTexts } from '../texts.ts';
import { placeWithin } from './policy-problem.ts';
import type { PolicyProblem } from './policy-problem.ts';

/** An action that rules are checked against; a tool's with the server that it is at. */
interface CheckedSubject {
  readonly subject: SchemaSubject;
  readonly server: string;
}

/** Rules that are about the same actions, and these. */
interface Batch {
  readonly subjects: readonly CheckedSubject[];
  readonly rules: Rule[];
}

/** Cedar takes about 0.1 ms for a rule and an action. */
const rulesPerCall = 500;
const subjectsPerCall = 8;

/**
 * Checks every rule strictly against each action that its head leaves, tools included. What Cedar warns of, such as a
 * condition that can never hold, is an error: such a rule looks as if it did something. A rule about a tool that is not
 * among the tools gets a warning, as long as there are tools to compare with.
 */
export function checkRules(
  rules: readonly Rule[],
  tools: readonly ToolDefinition[],
  cedar: CedarRuntime,
): readonly PolicyProblem[] {
  const subjects = subjectsOf(tools);
  const names = new Set(subjects.map(({ subject }) => subject.action));
  const isUnknown = (id: string): boolean => !names.has(id) && !isGroup(id);
  const problems: PolicyProblem[] = [];
  for (const rule of tools.length === 0 ? [] : rules) {
    const unknown = (rule.actions ?? []).filter(isUnknown);
    if (unknown.length > 0) problems.push(unknownTools(rule, unknown));
  }
  for (const batch of batchesOf(rules, subjects)) problems.push(...checkBatch(batch, cedar));
  return problems;
}

function subjectsOf(tools: readonly ToolDefinition[]): readonly CheckedSubject[] {
  return [
    ...plainActions.map((action) => ({ subject: { type: 'plain', action } as const, server: '' })),
    ...tools.filter(isUsable).map(({ name, server, inputSchema, summedArguments = [] }) => ({
      subject: {
        type: 'tool',
        action: name,
        arguments: readArgumentType(inputSchema),
        sums: summedArguments,
      } as const,
      server,
    })),
  ];
}

/** Calls of other tools are denied whatever the rules say. */
function isUsable({ name, server, summedArguments = [] }: ToolDefinition): boolean {
  return !reservedActions.has(name) && areTexts([name, server, ...summedArguments]);
}

/** Rules with the same actions and resource in their heads are checked together, and so are those of some actions by name. */
function batchesOf(rules: readonly Rule[], subjects: readonly CheckedSubject[]): readonly Batch[] {
  const byAction = new Map<string, CheckedSubject[]>();
  for (const each of subjects) {
    for (const id of actionIdsOf(each.subject)) {
      byAction.set(id, [...(byAction.get(id) ?? []), each]);
    }
  }
  const batches = new Map<string, Batch>();
  for (const rule of rules) {
    const key = JSON.stringify([rule.actions, rule.resource]);
    const known = batches.get(key);
    const about = rule.actions?.flatMap((id) => byAction.get(id) ?? []) ?? subjects;
    const batch = known ?? {
      subjects: [...new Set(about)].filter((subject) => isAbout(rule, subject)),
      rules: [],
    };
    if (known === undefined) batches.set(key, batch);
    batch.rules.push(rule);
  }
  // About nothing that is known yet: it is checked when it is first asked about.
  return mergeSmall([...batches.values()].filter((batch) => batch.subjects.length > 0));
}

/** To read a schema takes as long as to check some rules. A head that names its actions keeps the others away by itself. */
function mergeSmall(batches: readonly Batch[]): readonly Batch[] {
  const merged: Batch[] = [];
  let small: Batch = { subjects: [], rules: [] };
  for (const batch of batches) {
    const isNamed = batch.rules.every(({ actions }) => actions?.every((id) => !isGroup(id)));
    if (!isNamed || batch.subjects.length > 1) {
      merged.push(batch);
      continue;
    }
    if (small.subjects.length >= subjectsPerCall || small.rules.length >= rulesPerCall) {
      merged.push(small);
      small = { subjects: [], rules: [] };
    }
    const { subjects, rules } = small;
    small = {
      subjects: [...new Set([...subjects, ...batch.subjects])],
      rules: [...rules, ...batch.rules],
    };
  }
  return small.rules.length === 0 ? merged : [...merged, small];
}

function isGroup(id: string): boolean {
  return actionGroups.some((group) => group === id);
}

/** Whether the resource in the head leaves the action. */
function isAbout({ resource }: Rule, { subject, server }: CheckedSubject): boolean {
  // A tool's action goes with that one tool; of other resources nothing is known here.
  if (subject.type === 'plain') return true;
  const within = resource.op === 'is' ? resource.in : resource;
  if (within === undefined || !('entity' in within)) return true;
  const { type, id } = uidOf(within.entity);
  return id === (type === 'ModelHost::Tool' ? subject.action : server);
}

function checkBatch({ subjects, rules }: Batch, cedar: CedarRuntime): readonly PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  for (let start = 0; start < rules.length; start += rulesPerCall) {
    const some = rules.slice(start, start + rulesPerCall);
    const found = validate(some, subjects, cedar);
    const byRule = new Map(found.map((error) => [error.policyId, error]));
    for (const rule of some) {
      const error = byRule.get(rule.id);
      if (error !== undefined) problems.push(misfit(rule, error, misfitsOf(rule, subjects, cedar)));
    }
  }
  return problems;
}

/** Throws when Cedar cannot use the schema, which is made of ours and the tools' types. */
function validate(
  rules: readonly Rule[],
  subjects: readonly CheckedSubject[],
  cedar: CedarRuntime,
): readonly ValidationError[] {
  const answer = cedar.validate({
    schema: schemaOf(rules, subjects),
    policies: Object.fromEntries(rules.map(({ id, text }) => [id, text])),
  });
  if (answer.type === 'failure') throw new Error('the schema of the actions cannot be used');
  return [...answer.validationErrors, ...answer.validationWarnings];
}

/** One schema with all of the actions: a condition is impossible only if it is so for each of them. */
function schemaOf(rules: readonly Rule[], subjects: readonly CheckedSubject[]): SchemaJson<string> {
  const named = [...new Set(rules.flatMap(({ actionsNamed }) => actionsNamed))].sort();
  const schemas = subjects.map(
    ({ subject }) => [subject.action, schemaFor(subject, named)] as const,
  );
  const [first] = schemas;
  const actions = schemas.flatMap(([action, schema]) => {
    const type = schema['ModelHost']?.actions[action];
    return type === undefined ? [] : [[action, type] as const];
  });
  const host = first?.[1]['ModelHost'];
  if (host === undefined) return {};
  return { ModelHost: { ...host, actions: { ...host.actions, ...Object.fromEntries(actions) } } };
}

const misfitsShown = 3;

/** The first of the actions that the rule does not fit by itself; none when it fits each of them but never applies. */
function misfitsOf(
  rule: Rule,
  subjects: readonly CheckedSubject[],
  cedar: CedarRuntime,
): readonly string[] {
  const misfits: string[] = [];
  for (const each of subjects) {
    if (misfits.length === misfitsShown) break;
    const ids = actionIdsOf(each.subject);
    if (rule.actions?.some((id) => ids.includes(id)) === false) continue;
    if (validate([rule], [each], cedar).length > 0) misfits.push(each.subject.action);
  }
  return misfits;
}

function misfit(rule: Rule, { error }: ValidationError, misfits: readonly string[]): PolicyProblem {
  const start = error.sourceLocations?.[0]?.start ?? 0;
  const detail = error.message.replace(/^for policy `[^`]*`, /, '').slice(0, detailLengthMax);
  return {
    ...placeWithin(rule, start),
    severity: 'error',
    message: `rule "${rule.id}" does not fit the action ${misfits.join(', ')}: ${detail}`,
    remedy: error.help ?? 'correct the condition, or name the actions that the rule is about',
  };
}

const detailLengthMax = 500;

function unknownTools(rule: Rule, unknown: readonly string[]): PolicyProblem {
  const names = unknown.slice(0, misfitsShown).join(', ');
  return {
    ...placeWithin(rule, 0),
    severity: 'warning',
    message: `rule "${rule.id}" is about ${names}, which none of the known tools is called`,
    remedy: 'correct the name, or bring the snapshot of the tools up to date',
  };
}
