import { HostError, noStatistics } from '@modelhost/kernel';
import type { RunEvent, RunReplay, RunStatistics, RunStatus } from '@modelhost/kernel';
import type { Fact } from './facts.ts';
import type { Aftermath } from './laws.ts';
import { afterReset, shownText } from './redaction-laws.ts';
import type { RunPlan } from './scenario.ts';
import type { World } from './world.ts';

type Asked = Extract<Fact, { type: 'model-asked' }>;

/**
 * I2, I3: what providers may have been paid for is within the limit, with every answer that was lost with a process after its
 * beginning was durable, and what was lost is charged as soon as the step has an end, also when that is the run's stop.
 */
export function checkSpending(
  { world }: Pick<Aftermath, 'world'>,
  { runId, limits }: RunPlan,
  ofRun: readonly Fact[],
  status: RunStatus,
): void {
  const { facts } = world;
  const asked = ofRun.flatMap((fact) =>
    fact.type === 'model-asked' && !fact.isFenced ? [fact] : [],
  );
  const ended = new Set(
    ofRun.flatMap((fact) => (fact.type === 'handed' && fact.kind === 'step' ? [fact.name] : [])),
  );
  let spent = 0;
  let lostAndCharged = 0;
  for (const [step, calls] of Map.groupBy(asked, (call) => call.step)) {
    // A call whose beginning was not durable is known to nobody: that is what the time of one write costs.
    const known = calls.filter((call) => isKnown(call, ofRun));
    const { used, lost } = spendingOf(known, ofRun);
    spent += used + lost;
    if (ended.has(step)) lostAndCharged += lost;
  }
  const { inputTokens = 0, outputTokens = 0 } = status.result?.statistics ?? {};
  if (lostAndCharged > inputTokens + outputTokens) {
    facts.violate('I3', `${runId}: ${lostAndCharged} lost tokens were not charged`);
  }
  if (spent > limits.tokensMax) {
    facts.violate('I2', `${runId}: ${spent} of ${limits.tokensMax} tokens were spent`);
  }
}

/** Whether the beginning of a call was durable before another process began it anew. */
export function isKnown(call: Asked, ofRun: readonly Fact[]): boolean {
  const at = ofRun.indexOf(call);
  const next = ofRun.findIndex(
    (fact, index) => index > at && fact.type === 'asked' && fact.action === 'UseModel',
  );
  return ofRun
    .slice(0, next < 0 ? ofRun.length : next)
    .some(
      (fact) => fact.type === 'begun' && fact.step === call.step && fact.attempt === call.begun,
    );
}

/** What the calls of one step used, and what was set aside for those whose process was killed. */
function spendingOf(
  calls: readonly Asked[],
  ofRun: readonly Fact[],
): { readonly used: number; readonly lost: number } {
  let used = 0;
  let lost = 0;
  for (const { step, attempt, tokensMax } of calls) {
    const later = ofRun.filter(
      (fact) => 'attempt' in fact && fact.step === step && fact.attempt === attempt,
    );
    if (!later.some(({ type }) => type === 'model-ended')) {
      lost += tokensMax;
      continue;
    }
    const reported = later.find((fact) => fact.type === 'reported');
    const { inputTokens, outputTokens } = reported?.usage ?? { inputTokens: 0, outputTokens: 0 };
    // A provider that bills more than it was asked for is another matter.
    used += Math.min(inputTokens + outputTokens, tokensMax);
  }
  return { used, lost };
}

/** Whether the engine ended a run whose program did not end in its time: nobody knows what that was still doing. */
export function isForced({ result }: RunStatus): boolean {
  return (
    result?.ending.reason === 'failed' &&
    result.ending.error.message === 'the program did not end after it was stopped'
  );
}

/** I3: what such a run says that it used is what it told last. */
export function checkLastTold(
  facts: World['facts'],
  runId: string,
  { inputTokens, outputTokens }: RunStatistics,
  events: readonly RunEvent[],
): void {
  const told = events.findLast(({ body }) => body.type === 'usage')?.body;
  const spent = told?.type === 'usage' ? told.spent : noStatistics;
  if (inputTokens + outputTokens !== spent.inputTokens + spent.outputTokens) {
    facts.violate('I3', `${runId}: was ended by force, with other figures than it told last`);
  }
}

/** I8: what a client shows of an answer is the journaled text, and the last of them is the answer of the run. */
export function checkTexts(
  { world }: Pick<Aftermath, 'world'>,
  runId: string,
  seen: { readonly events: readonly RunEvent[]; readonly facts: readonly Fact[] },
): void {
  const { facts } = world;
  const byStep = Map.groupBy(seen.events, ({ step }) => step);
  for (const fact of seen.facts) {
    if (fact.type !== 'handed' || fact.kind !== 'step' || fact.text === null) continue;
    if (!/^turn-\d+\/model(?:-again)?$/.test(fact.name)) continue;
    const shown = shownText(afterReset(byStep.get(fact.name) ?? []), 'text-delta');
    if (shown !== fact.text) {
      facts.violate(
        'I8',
        `${runId}: a client shows another text of ${fact.name} than is journaled`,
      );
    }
  }
}

/** I20: the journal and the program alone give every event again, with the digest that was journaled. */
export async function checkReplay(
  { world, host }: Pick<Aftermath, 'world' | 'host'>,
  { runId, tenant }: RunPlan,
  whole: readonly RunEvent[],
): Promise<void> {
  const { facts } = world;
  try {
    const { events, digest, recordedDigest } = await replayRun(() => host.replay(tenant, runId));
    if (digest !== recordedDigest) facts.violate('I20', `${runId}: a replay has another digest`);
    if (JSON.stringify(events) !== JSON.stringify(whole)) {
      facts.violate('I20', `${runId}: a replay tells other events`);
    }
  } catch (thrown) {
    facts.violate('I20', `${runId} cannot be replayed: ${String(thrown)}`);
  }
}

/** More than a process has reads that fail. */
const readsMax = 5;

async function replayRun(read: () => Promise<RunReplay>): Promise<RunReplay> {
  for (let reads = 1; ; reads += 1) {
    try {
      return await read();
    } catch (thrown) {
      const isPassing = thrown instanceof HostError && thrown.code === 'storage_unavailable';
      if (!isPassing || reads >= readsMax) throw thrown;
    }
  }
}
