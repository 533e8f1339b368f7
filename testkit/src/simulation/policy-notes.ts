import type { Decision, Json, PolicyRequest } from '@modelhost/kernel';
import { callText } from './fake-tools.ts';
import type { HostWorld } from './world.ts';

/** Notes a question to policy. */
export function noteAsked(world: HostWorld, { action, context }: PolicyRequest): void {
  const { runId, callDigest, approval, labels } = context;
  const voters = approval?.votes.map((vote) => vote.subject) ?? null;
  const life = `${world.processId}/${world.lives.get(runId) ?? 0}`;
  world.facts.add({ type: 'asked', runId, action, labels, callDigest, voters, life });
}

/** Notes what policy said, and of a call, what it lets be done. */
export function noteDecided(world: HostWorld, request: PolicyRequest, decision: Decision): void {
  const { action, resource, context } = request;
  const { runId } = context;
  const { effect, obligations } = decision;
  const rules = decision.reasons.map(({ rule }) => rule);
  world.decisions.add(decisionKey(runId, action, decision));
  world.decisions.add(
    recordKey({ runId, action, effect, rules, policyDigest: decision.policyDigest }),
  );
  if (resource.type !== 'tool') return;
  const isRevealed = Object.keys(obligations.reveal).length > 0;
  const { timeoutMsMax = null } = obligations.limits;
  const call = callText(resource.tool.name, resource.arguments);
  world.facts.add({ type: 'decided', runId, call, effect, isRevealed, timeoutMsMax });
}

/** Tells decisions apart by what events say of them. */
export function decisionKey(
  runId: string,
  action: string,
  decision: Pick<Decision, 'effect' | 'reasons' | 'obligations' | 'policyDigest'>,
): string {
  const { effect, reasons, obligations, policyDigest } = decision;
  return JSON.stringify([runId, action, effect, reasons, obligations, policyDigest]);
}

/** The same by what is put on record of them. */
export function recordKey(record: {
  readonly runId: string;
  readonly action: Json | undefined;
  readonly effect: Json | undefined;
  readonly rules: Json | undefined;
  readonly policyDigest: Json | undefined;
}): string {
  const { runId, action, effect, rules, policyDigest } = record;
  return JSON.stringify([runId, action, effect, rules, policyDigest]);
}
