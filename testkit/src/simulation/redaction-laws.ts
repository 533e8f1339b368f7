import { isJsonObject } from '@modelhost/kernel';
import type { AuditRecord, Redactor, RunEvent, RunEventBody } from '@modelhost/kernel';
import { tellsAccount } from './accounts.ts';
import { tellsMailbox, tellsSecret, withoutMailboxes } from './canaries.ts';
import type { Fact } from './facts.ts';
import { fakeKeys } from './fake-governance.ts';
import type { RunPlan } from './scenario.ts';
import type { World } from './world.ts';

type Said = Extract<Fact, { type: 'said' }>;

/**
 * I8: no value that is hidden, always or by policy, is in an event, half of one included, or on record; nor is it sealed there,
 * but for what policy wants kept as it was said.
 */
export function checkTold(
  { facts, governance }: World,
  runId: string,
  told: { readonly events: readonly RunEvent[]; readonly facts: readonly Fact[] },
): void {
  const tells = (text: string): boolean =>
    tellsSecret(text) || tellsMailbox(text) || tellsAccount(governance, text);
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
    if (fact.type !== 'audited') continue;
    if (tells(JSON.stringify(fact.record.facts))) facts.violate('I8', `${runId}: it is on record`);
    if (sealedIn(fact.record).some(tells)) {
      facts.violate('I8', `${runId}: it is sealed on record`);
    }
  }
}

/** What is sealed in a record, opened; but for answers, which are kept as they were given. */
function sealedIn({ facts }: AuditRecord): readonly string[] {
  return Object.entries(facts).flatMap(([name, value]) => {
    if (name === 'sealedResult' || value === null || !isJsonObject(value)) return [];
    const { keyId, data } = value;
    if (typeof keyId !== 'string' || typeof data !== 'string') return [];
    return [fakeKeys.unseal({ keyId, data }, '')];
  });
}

/**
 * I8, L4: what followers see of an answer is what redacting the whole of it gives, wherever the provider cut it, with what policy
 * hides. Only of answers that came whole, and of which policy wanted nothing taken out.
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
    const styles = outputOf(ofStep)?.obligations.redact.detectors ?? {};
    const pairs = [
      [shownText(ofStep, 'text-delta'), step.redact(fact.text, styles)],
      [shownText(ofStep, 'reasoning-delta'), step.redact(fact.reasoning, styles)],
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
  const output = outputOf(events);
  return (
    (finishReason === 'stop' || finishReason === 'tool-calls' || finishReason === 'refusal') &&
    events.some(
      ({ body }) => body.type === 'step-finished' && body.finishReason === finishReason,
    ) &&
    (output === undefined ||
      (output.effect === 'allow' && output.obligations.transforms.length === 0))
  );
}

/** What policy said of showing an answer; undefined where it may be shown as it is. */
function outputOf(
  events: readonly RunEvent[],
): Extract<RunEventBody, { type: 'decision' }> | undefined {
  return events
    .flatMap(({ body }) => (body.type === 'decision' && body.action === 'EmitOutput' ? [body] : []))
    .at(-1);
}

/** What a client shows of these events. */
export function shownText(
  events: readonly RunEvent[],
  type: 'text-delta' | 'reasoning-delta',
): string {
  return events.map(({ body }) => (body.type === type ? body.text : '')).join('');
}
