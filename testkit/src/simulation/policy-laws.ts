import type { Json, RunEvent } from '@modelhost/kernel';
import type { Fact } from './facts.ts';
import { allRulesOf } from './in-force.ts';
import { decisionKey, recordKey } from './policy-notes.ts';
import { callsOfToolMax, turnsMax } from './rules.ts';
import type { World } from './world.ts';

interface Seen {
  readonly events: readonly RunEvent[];
  readonly facts: readonly Fact[];
}

/** I6: what is told and recorded of decisions is what policy said, and what it demanded beside an allow was done. */
export function checkDecisions(world: World, runId: string, seen: Seen): void {
  const { facts, decisions } = world;
  for (const { step, body } of seen.events) {
    if (body.type !== 'decision' || isOfHost(body.reasons.map(({ rule }) => rule))) continue;
    if (!decisions.has(decisionKey(runId, body.action, body))) {
      facts.violate('I6', `${runId}: ${step} tells of a decision that nobody made`);
    }
  }
  for (const fact of seen.facts) {
    if (fact.type !== 'audited' || fact.record.kind !== 'decision') continue;
    const { action, effect, rules, policyDigest } = fact.record.facts;
    if (Array.isArray(rules) && isOfHost(rules)) continue;
    const key = recordKey({ runId, action, effect, rules, policyDigest });
    if (!decisions.has(key)) {
      facts.violate('I6', `${runId}: ${fact.record.step} records a decision that nobody made`);
    }
  }
  checkDemands(world, runId, seen);
  checkTimeouts(world, runId, seen.facts);
  if (allRulesOf(world.governance)?.every((name) => name === 'bounded') === true) {
    checkBounds(world, runId, seen.facts);
  }
}

/** What the loop itself denies, because it cannot do what is demanded. */
function isOfHost(rules: readonly Json[]): boolean {
  return rules.length === 1 && rules[0] === 'obligation-unsupported';
}

/** What was demanded of a call: how long its answer is, and that it is on record. */
function checkDemands({ facts }: World, runId: string, { events, facts: ofRun }: Seen): void {
  for (const { step, body } of events) {
    if (body.type !== 'tool-finished' || !['ok', 'tool_error'].includes(body.outcome)) continue;
    const allowed = events.findLast(
      (event) =>
        event.step === step &&
        event.body.type === 'decision' &&
        event.body.action === 'CallTool' &&
        event.body.effect === 'allow',
    )?.body;
    if (allowed?.type !== 'decision') continue;
    const { limits, audit } = allowed.obligations;
    if (Buffer.byteLength(body.content) > (limits.resultBytesMax ?? Infinity)) {
      facts.violate('I6', `${runId}: the result of ${step} is longer than policy lets it be`);
    }
    const isSealed = ofRun.some(
      (fact) =>
        fact.type === 'audited' && fact.record.step === step && 'sealedResult' in fact.record.facts,
    );
    if (audit === 'full' && !isSealed) {
      facts.violate('I6', `${runId}: the result of ${step} is not on record`);
    }
  }
}

/** No call may take longer than one of the decisions that allowed it lets it. */
function checkTimeouts({ facts }: World, runId: string, ofRun: readonly Fact[]): void {
  const timeouts = new Map<string, number>();
  for (const fact of ofRun) {
    if (fact.type === 'decided' && fact.effect === 'allow') {
      const longestMs = Math.max(timeouts.get(fact.call) ?? 0, fact.timeoutMsMax ?? Infinity);
      timeouts.set(fact.call, longestMs);
    }
    if (fact.type === 'effect' && fact.timeoutMs > (timeouts.get(fact.call) ?? Infinity)) {
      facts.violate('I6', `${runId}: ${fact.step} may take ${fact.timeoutMs} ms`);
    }
  }
}

/** However often its process was killed, a run has no more calls of a tool, and no more turns, than the rules allow it. */
function checkBounds({ facts }: World, runId: string, ofRun: readonly Fact[]): void {
  const effects = ofRun.flatMap((fact) => (fact.type === 'effect' ? [fact] : []));
  const byTool = Map.groupBy(effects, ({ call }) => call.slice(0, call.indexOf(' ')));
  for (const [tool, calls] of byTool) {
    const count = new Set(calls.map(({ key }) => key)).size;
    if (count > callsOfToolMax) facts.violate('I6', `${runId}: ${count} calls of ${tool}`);
  }
  for (const fact of ofRun) {
    if (fact.type !== 'model-asked') continue;
    const turn = Number(/^turn-(\d+)\//.exec(fact.step)?.[1] ?? 0);
    if (turn > turnsMax) facts.violate('I6', `${runId}: a model is asked in turn ${turn}`);
  }
}
