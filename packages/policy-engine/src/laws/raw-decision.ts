import assert from 'node:assert/strict';
import type * as CedarModule from '@cedar-policy/cedar-wasm/nodejs';
import type { PolicyRequest } from '@modelhost/kernel';
import { readArgumentType } from '../argument-types.ts';
import { loadCedar } from '../cedar-runtime.ts';
import { approvedFor, gatesOf } from '../gates.ts';
import { readQuestion, withApproval } from '../question.ts';
import type { AskerQuestion } from '../question.ts';
import type { Rule } from '../rules.ts';
import { schemaFor } from '../schema.ts';
import type { SchemaSubject } from '../schema.ts';
import { readLawRules } from './law-world.ts';
import type { LawRules } from './law-world.ts';

/** Effect, and the ids of the rules that give the reasons. */
export interface RawDecision {
  readonly effect: 'allow' | 'hold' | 'deny';
  readonly rules: readonly string[];
}

interface Answer {
  readonly isAllowed: boolean;
  readonly rules: readonly string[];
  readonly failed: readonly string[];
}

interface Raw {
  readonly rules: readonly Rule[];
  readonly answer: Answer;
  readonly isPermitted: boolean;
}

let module: typeof CedarModule | undefined;

/**
 * The decision as Cedar's plain call gives it: all rules as one text, nothing sliced, prepared, left out or remembered.
 * Only the words of the reasons are not compared.
 */
export function decideRaw(set: LawRules, request: PolicyRequest): RawDecision {
  const authorize = readLawRules(set.authorize, 'authorize');
  const oblige = readLawRules(set.oblige, 'oblige');
  const reading = readQuestion(request, ({ inputSchema }) => readArgumentType(inputSchema));
  assert.ok(reading.type === 'question');
  const { subject, askers } = reading.question;
  const answers = (rules: readonly Rule[], some: readonly AskerQuestion[]): readonly Answer[] =>
    some.map((asker) => answerOf(rules, subject, asker));
  const forbids = answers(authorize, askers).flatMap(({ isAllowed, rules }) =>
    isAllowed ? [] : rules,
  );
  const approved = approvedFor(
    request,
    gatesOf(authorize.filter(({ id }) => forbids.includes(id))),
  );
  const asked = askers.map((asker) =>
    approved === undefined ? asker : { ...asker, cedar: withApproval(asker.cedar, approved) },
  );
  const said = answers(authorize, asked);
  const permits = answers(
    authorize.filter(({ effect }) => effect === 'permit'),
    asked,
  );
  const duties = answers(oblige, asked).flatMap(({ failed }) => failed);
  const concluded = said.map((answer, index) =>
    conclude(request, {
      rules: authorize,
      answer,
      isPermitted: permits[index]?.isAllowed === true,
    }),
  );
  const effect =
    duties.length > 0
      ? 'deny'
      : ((['deny', 'hold'] as const).find((each) => concluded.some((one) => one.effect === each)) ??
        'allow');
  const rules = concluded.flatMap((one) => (one.effect === effect ? one.rules : []));
  // The same rule is named twice where it says different things of user and agent.
  const texts = [...(effect === 'deny' ? [...rules, ...duties] : rules)];
  return { effect, rules: [...new Set(texts)].sort() };
}

function answerOf(
  rules: readonly Rule[],
  subject: SchemaSubject,
  { cedar }: AskerQuestion,
): Answer {
  module ??= loadCedar();
  const answer = module.isAuthorized({
    ...cedar,
    schema: schemaFor(subject, new Set(rules.flatMap(({ actionsNamed }) => actionsNamed))),
    validateRequest: true,
    policies: { staticPolicies: Object.fromEntries(rules.map(({ id, text }) => [id, text])) },
  });
  assert.ok(answer.type === 'success');
  const { decision, diagnostics } = answer.response;
  return {
    isAllowed: decision === 'allow',
    rules: diagnostics.reason,
    failed: diagnostics.errors.map(({ policyId }) => policyId),
  };
}

function conclude(
  { action, context }: PolicyRequest,
  { rules, answer, isPermitted }: Raw,
): RawDecision {
  if (answer.failed.length > 0) return { effect: 'deny', rules: answer.failed };
  if (answer.isAllowed) return { effect: 'allow', rules: answer.rules };
  if (answer.rules.length === 0) return { effect: 'deny', rules: ['default-deny'] };
  const isCall = action === 'CallTool' && context.callDigest !== '';
  const forbidding = rules.filter(({ id }) => answer.rules.includes(id));
  const isRemedied = forbidding.every(
    ({ remedy }) => remedy?.name === 'wait' || (remedy?.name === 'approval' && isCall),
  );
  if (!isRemedied) return { effect: 'deny', rules: answer.rules };
  return isPermitted
    ? { effect: 'hold', rules: answer.rules }
    : { effect: 'deny', rules: [...answer.rules, 'default-deny'] };
}
