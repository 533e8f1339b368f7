import { getEventListeners } from 'node:events';
import type {
  Json,
  JsonObject,
  Redactor,
  RunEvent,
  RunStatus,
  SignalPayload,
} from '@modelhost/kernel';
import { checkAnswers, checkTaint } from './approval-laws.ts';
import type { Clients } from './clients.ts';
import {
  checkLastTold,
  checkReplay,
  checkSpending,
  checkTexts,
  isForced,
  isKnown,
} from './crash-laws.ts';
import type { Host } from './deployment.ts';
import { checkBuffer, checkFollower } from './follower-laws.ts';
import { checkFork, takenOver } from './fork-laws.ts';
import { checkDecisions } from './policy-laws.ts';
import { checkShown, checkTold } from './redaction-laws.ts';
import type { Fact } from './facts.ts';
import type { RunPlan, Scenario } from './scenario.ts';
import type { Charge } from './watch.ts';
import { checkCompactions } from './window.ts';
import type { World } from './world.ts';

/** What is left when nothing happens any more. */
export interface Aftermath {
  readonly world: World;
  readonly scenario: Scenario;
  readonly host: Host;
  readonly clients: Clients;
  /** What each run was charged, by run id. */
  readonly charges: ReadonlyMap<string, Charge>;
  /** Calls of fakes that have not ended, in the last process. */
  readonly open: ReadonlySet<string>;
  /** How often a process was replaced. */
  readonly restarts: number;
  /** Every signal that a program was given that has ended. */
  readonly signals: ReadonlySet<AbortSignal>;
  readonly stopTimeoutMs: number;
  /** One that has no bug, to compare with. */
  readonly redactor: Redactor;
}

/** Checks everything that can only be said at the end. What it finds goes to the facts of the world. */
export async function checkLaws(after: Aftermath): Promise<void> {
  checkLeaks(after);
  for (const forked of after.clients.forks) {
    checkFork(after, forked);
  }
  for (const plan of [...after.scenario.runs, ...after.clients.forks.map((one) => one.plan)]) {
    const status = await after.host.status(plan.tenant, plan.runId);
    if (status === undefined) {
      after.world.facts.violate('I1', `${plan.runId} is gone`);
      continue;
    }
    const whole = after.clients.whole.get(plan.runId) ?? [];
    const ofRun = after.world.facts.all.filter((fact) => runOf(fact) === plan.runId);
    await checkEnding(after, plan, status, { events: whole, facts: ofRun });
    checkCharges(after, plan, status, { events: whole, facts: ofRun });
    // What a fork has taken over is looked at where it happened.
    const taken = takenOver(after, plan.runId);
    const events = whole.filter(({ sequence }) => !taken.has(sequence));
    const facts = ofRun.filter((fact) => fact.type !== 'event' || !taken.has(fact.event.sequence));
    checkSpending(after, plan, facts, status);
    checkRecords(after.world, plan.runId, facts);
    checkAllowances(after.world, plan.runId, facts);
    checkDecisions(after.world, plan.runId, { events, facts });
    checkEffects(after, plan, facts);
    checkAnswers(after.world, plan, facts);
    checkTaint(after.world, plan, { facts, events });
    checkInputs(after.world, plan.runId, facts);
    checkTold(after.world, plan.runId, { events, facts });
    checkShown(after.world, plan, { events, facts, redactor: after.redactor });
    checkTexts(after, plan.runId, { events, facts });
    checkCompactions(after.world, plan.runId, { events, facts });
    // Nobody waits for the end of a run that has none.
    if (status.state !== 'finished') continue;
    await checkBuffer(after, plan, whole);
    await checkReplay(after, plan, whole);
  }
  for (const seen of after.clients.seen) checkFollower(after, seen);
}

function runOf(fact: Fact): string {
  return fact.type === 'audited' ? fact.record.runId : fact.runId;
}

/** I15: nothing is left open, waiting or listening. */
function checkLeaks({ world, host, clients, signals, open }: Aftermath): void {
  const { facts } = world;
  for (const id of open) facts.violate('I15', `${id} never ended`);
  if (host.runsInFlight() > 0) facts.violate('I18', `${host.runsInFlight()} runs never ended`);
  if (clients.following() > 0) facts.violate('I15', `${clients.following()} followers never ended`);
  for (const signal of signals) {
    const left = getEventListeners(signal, 'abort').length;
    if (left > 0) facts.violate('I15', `${left} listeners are left on a signal`);
  }
}

/** I1, I9, I18: one ending, the same everywhere, in time, and for nobody else. */
async function checkEnding(
  after: Aftermath,
  plan: RunPlan,
  status: RunStatus,
  {
    events,
    facts: ofRun,
  }: { readonly events: readonly RunEvent[]; readonly facts: readonly Fact[] },
): Promise<void> {
  const { host } = after;
  const { runId, tenant } = plan;
  const { facts } = after.world;
  const ends = events.filter(({ body }) => body.type === 'run-finished');
  const last = events.at(-1);
  if (ends.length !== 1 || last !== ends[0] || status.state !== 'finished') {
    facts.violate('I1', `${runId} has ${ends.length} ends and is ${status.state}`);
  }
  if (
    last?.body.type !== 'run-finished' ||
    JSON.stringify(last.body.result) !== JSON.stringify(status.result)
  ) {
    facts.violate('I1', `${runId} ends otherwise in its events than in its status`);
  }
  if (status.waitingFor.length > 0) facts.violate('I15', `${runId} is finished and still waits`);
  for (const [index, { sequence }] of events.entries()) {
    if (sequence !== index + 1) facts.violate('I1', `${runId}: event ${index + 1} is ${sequence}`);
  }
  checkDuration(after, plan, ofRun);
  if ((await host.status(`not-${tenant}`, runId)) !== undefined) {
    facts.violate('I9', `${runId} can be seen by another tenant`);
  }
}

/** I18: a run ends in its time, but for the time in which nobody was there to end it. */
function checkDuration(
  { world, scenario, restarts, stopTimeoutMs }: Aftermath,
  { runId, limits }: RunPlan,
  ofRun: readonly Fact[],
): void {
  const { processes, jump } = scenario;
  const downMs = processes.reduce((sum, plan) => sum + plan.downMs, 0);
  const faults = processes.reduce(
    (sum, { failingChanges, failingReads }) => sum + failingChanges.length + failingReads.length,
    restarts,
  );
  const allowedMs =
    limits.durationMsMax + downMs + Math.abs(jump?.byMs ?? 0) + stopTimeoutMs * (faults + 1);
  const endMs = ofRun.find((fact) => fact.type === 'handed' && fact.kind === 'finish')?.atMs;
  const durationMs = (endMs ?? Infinity) - createdAtMs(ofRun);
  if (durationMs > allowedMs) {
    world.facts.violate('I18', `${runId} took ${durationMs} of ${allowedMs} ms`);
  }
}

function createdAtMs(ofRun: readonly Fact[]): number {
  return ofRun.find((fact) => fact.type === 'created')?.atMs ?? Infinity;
}

/** I2, I3: what was charged is what was used, and within the limits. */
function checkCharges(
  { world, charges }: Aftermath,
  { runId, limits }: RunPlan,
  status: RunStatus,
  seen: { readonly events: readonly RunEvent[]; readonly facts: readonly Fact[] },
): void {
  const { facts } = world;
  const charged = charges.get(runId)?.spent;
  const statistics = status.result?.statistics;
  if (charged === undefined || statistics === undefined) {
    facts.violate('I2', `${runId} never closed its budget`);
    return;
  }
  if (isForced(status)) return checkLastTold(facts, runId, statistics, seen.events);
  const used = statistics.inputTokens + statistics.outputTokens;
  if (charged.tokens + statistics.tokensOverrun !== used) {
    facts.violate('I3', `${runId}: charged ${charged.tokens} for ${used} tokens`);
  }
  const steps = statistics.modelCalls + statistics.toolCalls;
  if (charged.steps !== steps || charged.toolCalls !== statistics.toolCalls) {
    facts.violate('I3', `${runId}: charged ${charged.steps} for ${steps} steps`);
  }
  if (charged.tokens > limits.tokensMax || charged.costMicroUsd > limits.costMicroUsdMax) {
    facts.violate('I2', `${runId} was charged more than its limits`);
  }
  if (steps > limits.stepsMax || statistics.toolCalls > limits.toolCallsMax) {
    facts.violate('I2', `${runId} took ${steps} steps, ${statistics.toolCalls} of them tool calls`);
  }
  checkUsage(world, runId, used, seen);
}

/**
 * I3: the events tell of exactly what was used, and of what the provider reported where it reported something. What was set aside
 * for an answer that was lost with its process is charged whole, in one sum with the answer that came in the end.
 */
function checkUsage(
  { facts, setAside }: World,
  runId: string,
  used: number,
  seen: { readonly events: readonly RunEvent[]; readonly facts: readonly Fact[] },
): void {
  let told = 0;
  let lostMax = 0;
  for (const { step, body } of seen.events) {
    if (body.type !== 'usage') continue;
    told += body.usage.inputTokens + body.usage.outputTokens;
    const resets = seen.events.filter(
      (event) => event.step === step && event.body.type === 'step-reset',
    ).length;
    const asked = askedFor(seen.facts, step);
    // One that was never asked is charged with what was set aside for it, as if it had been.
    lostMax += resets * (setAside.get(`${runId}/${step}`) ?? 0);
    const last = asked.at(-1);
    const reported = seen.facts.find(
      (fact) => fact.type === 'reported' && fact.step === step && fact.attempt === last?.attempt,
    );
    // Where it was asked in every attempt, as the engine counts them, the last of them is the one that counts.
    const attempts = new Set(asked.map(({ begun }) => begun)).size;
    // What was reported of an answer that is lost died with its process.
    const isLost = seen.facts.some(
      (fact) => fact.type === 'handed' && fact.name === step && fact.isLost,
    );
    // So did the one of a call that nobody knows of, where the next process asked no model any more.
    const isUnknown = last !== undefined && !isKnown(last, seen.facts);
    if (reported?.type !== 'reported' || attempts <= resets || isLost || isUnknown) continue;
    if (JSON.stringify(reported.usage) !== JSON.stringify(body.usage)) {
      facts.violate('I3', `${runId}: ${step} was charged otherwise than reported`);
    }
  }
  if (used < told || used > told + lostMax) {
    facts.violate('I3', `${runId}: events tell of ${told} of ${used} tokens`);
  }
}

function askedFor(
  facts: readonly Fact[],
  step: string,
): readonly Extract<Fact, { type: 'model-asked' }>[] {
  return facts.flatMap((fact) =>
    fact.type === 'model-asked' && fact.step === step && !fact.isFenced ? [fact] : [],
  );
}

/** I4: what may change something is on record before it starts, and everything before its result is seen. */
function checkRecords({ facts }: World, runId: string, ofRun: readonly Fact[]): void {
  const intents = new Set<string>();
  for (const fact of ofRun) {
    if (fact.type === 'audited' && fact.record.kind === 'intent') intents.add(fact.record.step);
    if (fact.type === 'effect' && !fact.isReadOnly && !intents.has(baseOf(fact.step))) {
      facts.violate('I4', `${runId}: ${fact.step} is not on record`);
    }
    if (fact.type === 'event' && isOkWithoutIntent(fact.event, intents)) {
      facts.violate('I4', `${runId}: the result of ${fact.event.step} came before its record`);
    }
  }
}

/** The prefix that the steps of one tool call share. */
function baseOf(step: string): string {
  return step.slice(0, step.lastIndexOf('/'));
}

/** I6, I8: there are never more effects of a call than decisions that allowed it, nor does a mailbox come back unless one revealed it. */
function checkAllowances({ facts }: World, runId: string, ofRun: readonly Fact[]): void {
  const allowances = new Map<string, number>();
  const revealed = new Set<string>();
  const begun = new Set<string>();
  for (const fact of ofRun) {
    if (fact.type === 'decided' && fact.effect === 'allow') {
      allowances.set(fact.call, (allowances.get(fact.call) ?? 0) + 1);
    }
    if (fact.type === 'decided' && fact.isRevealed) revealed.add(fact.call);
    if (fact.type !== 'effect') continue;
    if (fact.tellsMailbox && !revealed.has(fact.call)) {
      facts.violate('I8', `${runId}: ${fact.step} is told a mailbox`);
    }
    // Another attempt is the same effect.
    if (begun.has(fact.key)) continue;
    begun.add(fact.key);
    const left = (allowances.get(fact.call) ?? 0) - 1;
    allowances.set(fact.call, left);
    if (left < 0) facts.violate('I6', `${runId}: ${fact.step} was not allowed`);
  }
}

/**
 * I5, I7: an effect happens once under its key, in whatever process; one that may be repeated, once in each life of its run. None
 * begins after the stop, nor is a model asked, but in a process that does not know that it is replaced.
 */
function checkEffects(
  { world, scenario }: Aftermath,
  { runId, limits }: RunPlan,
  ofRun: readonly Fact[],
): void {
  const { facts } = world;
  const keys = new Set<string>();
  const setBackMs = Math.max(0, -(scenario.jump?.byMs ?? 0));
  const deadlineMs = createdAtMs(ofRun) + limits.durationMsMax + setBackMs;
  let isStopped = false;
  for (const fact of ofRun) {
    if (fact.type === 'stopped') isStopped = true;
    if (fact.type === 'effect' || fact.type === 'resumed') {
      const key = fact.isRepeatable ? `${fact.key}/${fact.life}` : fact.key;
      if (keys.has(key)) facts.violate('I5', `${runId}: ${fact.step} ran twice`);
      keys.add(key);
    } else if (fact.type !== 'model-asked') {
      continue;
    }
    if (!fact.isFenced && (isStopped || fact.atMs > deadlineMs)) {
      facts.violate('I7', `${runId}: ${fact.step} began after the stop`);
    }
  }
}

function isOkWithoutIntent({ step, body }: RunEvent, intents: ReadonlySet<string>): boolean {
  return body.type === 'tool-finished' && body.outcome === 'ok' && !intents.has(step);
}

/** I12: a tool is told what the run was given of a person first, once it is on record, or that nobody answered; and what the model said. */
function checkInputs({ facts }: World, runId: string, ofRun: readonly Fact[]): void {
  const given = new Map<string, SignalPayload>();
  const resumed = new Set<string>();
  const recorded = new Map<string, Json | undefined>();
  for (const fact of ofRun) {
    if (fact.type === 'audited' && fact.record.kind === 'tool-input') {
      recorded.set(fact.record.step, fact.record.facts['inputId']);
    }
    if (fact.type === 'handed' && fact.payload !== null) given.set(fact.name, fact.payload);
    if (fact.type !== 'resumed' || resumed.has(fact.key)) continue;
    resumed.add(fact.key);
    const { ask } = fact.answers;
    if (ask === undefined || 'role' in ask) continue;
    const inputId = recorded.get(baseOf(fact.step));
    recorded.delete(baseOf(fact.step));
    if (typeof inputId !== 'string') {
      facts.violate('I12', `${runId}: ${fact.step} is not on record`);
      continue;
    }
    const payload = given.get(`tool-input/${inputId}`);
    if (!isTold(ask, payload)) facts.violate('I12', `${runId}: ${fact.step} was told otherwise`);
  }
}

/** Whether the answer is that of the person; whoever gave none, or one that does not fit, has cancelled. */
function isTold({ action, content }: JsonObject, payload: SignalPayload | undefined): boolean {
  if (payload?.type !== 'tool-input') return action === 'cancel';
  const isFit = typeof payload.content['value'] === 'string';
  if (payload.action !== 'accept') return action === payload.action && content === undefined;
  return isFit
    ? action === 'accept' && JSON.stringify(content) === JSON.stringify(payload.content)
    : action === 'cancel';
}
