import type { Redactor, RunEvent } from '@modelhost/kernel';
import { tellsMailbox, tellsSecret, withoutMailboxes } from './canaries.ts';
import type { Fact } from './facts.ts';
import type { RunPlan } from './scenario.ts';
import type { World } from './world.ts';

type Said = Extract<Fact, { type: 'said' }>;

/** I8: no value that is hidden always is in an event, half of one included, or on record. */
export function checkTold(
  { facts }: Pick<World, 'facts'>,
  runId: string,
  told: { readonly events: readonly RunEvent[]; readonly facts: readonly Fact[] },
): void {
  for (const { sequence, body } of told.events) {
    if (tells(JSON.stringify(body))) facts.violate('I8', `${runId}: event ${sequence} tells it`);
  }
  for (const [step, texts] of Map.groupBy(told.events, (event) => event.step)) {
    const isTold = (['text-delta', 'reasoning-delta'] as const).some((type) =>
      tells(shownText(afterReset(texts), type)),
    );
    if (isTold) facts.violate('I8', `${runId}: the deltas of ${step} tell it`);
  }
  for (const fact of told.facts) {
    if (fact.type === 'audited' && tells(JSON.stringify(fact.record.facts))) {
      facts.violate('I8', `${runId}: it is on record`);
    }
  }
}

/**
 * I8, L4: what followers see of an answer is what redacting the whole of it gives, wherever the provider cut it. Only of answers
 * that came whole, and of which policy wanted nothing changed.
 */
export function checkShown(
  { facts }: Pick<World, 'facts'>,
  { runId, tenant }: RunPlan,
  told: {
    readonly events: readonly RunEvent[];
    readonly facts: readonly Fact[];
    readonly redactor: Redactor;
  },
): void {
  const { events, redactor } = told;
  for (const fact of told.facts) {
    if (fact.type !== 'said' || !fact.step.startsWith('turn-') || !fact.step.endsWith('/model')) {
      continue;
    }
    if (fact.attempt !== lastAttempt(told.facts, fact.step)) continue;
    const ofStep = afterReset(events.filter(({ step }) => step === fact.step));
    if (!isShownWhole(fact, ofStep)) continue;
    const step = redactor.open({ tenant, sessionId: runId }).step();
    const pairs = [
      [shownText(ofStep, 'text-delta'), step.redact(fact.text, {})],
      [shownText(ofStep, 'reasoning-delta'), step.redact(fact.reasoning, {})],
    ].map((pair) => pair.map(withoutMailboxes));
    const isSame = pairs.every(([shown = '', expected = '']) =>
      isUsed(fact, events) ? shown === expected : expected.startsWith(shown),
    );
    if (!isSame) facts.violate('I8', `${runId}: ${fact.step} shows another text than was said`);
  }
}

/** The attempt that was not lost with its process. */
function lastAttempt(facts: readonly Fact[], step: string): number | undefined {
  const last = facts.findLast(
    (fact) => fact.type === 'model-asked' && fact.step === step && !fact.isFenced,
  );
  return last?.type === 'model-asked' ? last.attempt : undefined;
}

/** What a client still shows of a step that began again. */
export function afterReset(events: readonly RunEvent[]): readonly RunEvent[] {
  return events.slice(events.findLastIndex(({ body }) => body.type === 'step-reset') + 1);
}

/** Whether the run went on with the answer; of another the end may be missing. */
function isUsed({ step }: Said, events: readonly RunEvent[]): boolean {
  const last = events.at(-1)?.body;
  const isLast = events.findLast(({ body }) => body.type === 'usage')?.step === step;
  return !isLast || (last?.type === 'run-finished' && last.result.ending.reason === 'completed');
}

function isShownWhole({ finishReason }: Said, events: readonly RunEvent[]): boolean {
  return (
    (finishReason === 'stop' || finishReason === 'tool-calls' || finishReason === 'refusal') &&
    events.some(
      ({ body }) => body.type === 'step-finished' && body.finishReason === finishReason,
    ) &&
    !events.some(({ body }) => body.type === 'decision' && body.action === 'EmitOutput')
  );
}

/** What a client shows of these events. */
export function shownText(
  events: readonly RunEvent[],
  type: 'text-delta' | 'reasoning-delta',
): string {
  return events.map(({ body }) => (body.type === type ? body.text : '')).join('');
}

function tells(text: string): boolean {
  return tellsSecret(text) || tellsMailbox(text);
}
