import { join } from 'node:path';
import { openDecisionLog } from '@modelhost/decision-log';
import type { DecisionLog } from '@modelhost/decision-log';
import { HostError, toErrorData } from '@modelhost/kernel';
import { createPolicyEngine } from '@modelhost/policy-engine';
import type { PolicySource } from '@modelhost/policy-engine';
import { announceChanges } from './announce-changes.ts';
import { createBundledRuns } from './bundled-runs.ts';
import { openRules } from './open-rules.ts';
import type { PolicyControlOptions } from './open-rules.ts';
import type { PolicyControl, PolicyStatus } from './policy-control.ts';
import { checkStatus, statusOf } from './policy-status.ts';
import { createProblems } from './problems.ts';
import { createRecordingEngine } from './recording-engine.ts';
import { openAdmitted, rehearse } from './rehearse.ts';
import type { CandidateParts } from './rehearse.ts';
import { createShadows } from './shadows.ts';
import type { Shadows } from './shadows.ts';
import { createTurns } from './turns.ts';
import { watch } from './watch.ts';

const activationsWaitingMax = 16;
/** Each may take minutes, and a good part of the thread. */
const rehearsalsWaitingMax = 4;
const nobody: PolicySource = { rulesFor: () => [] };

/**
 * Brings the configured and stored rules in force and keeps them so: watches their files, takes activations, records
 * decisions. Throws `config_invalid` when there are no good rules at all. Whoever makes it closes it.
 */
export async function createPolicyControl(options: PolicyControlOptions): Promise<PolicyControl> {
  const { policies, clock, log } = options;
  const now = (): number => clock.now();
  await using opened = new AsyncDisposableStack();
  const decisions = await openDecisions(options);
  opened.defer(async () => decisions.close());
  const { engine: bare, onChange } = announceChanges(createPolicyEngine({ source: nobody }));
  const shadows = createShadows({ engine: bare, append: (entry) => decisions.append(entry) });
  const problems = createProblems(log);
  const stopping = new AbortController();
  const turns = createTurns('activations', activationsWaitingMax);
  const rules = await openRules({
    ...options,
    now,
    engine: bare,
    decisions,
    problems,
    signal: stopping.signal,
    shadows,
  });
  await rules.start();
  const { signal } = stopping;
  const candidates = createCandidates({ ...options, rules, engine: bare, decisions, signal });
  const recording = createRecordingEngine({
    engine: bare,
    now,
    refusalOf: (tenant) => rules.refusalOf(tenant),
    follow: (entry) => shadows.follow(entry),
    log,
  });
  const engine = createBundledRuns({ engine: recording, open: candidates.open });
  const watching = watch({
    clock,
    everyMs: policies.watchMs,
    look: async () => turns.take(async () => rules.look()).catch(ignoreUnlooked(log)),
  });

  const statusFor = (tenant?: string): PolicyStatus =>
    statusOf({
      policies,
      digest: bare.asIf(onlyFor(rules.source(), tenant)).digest(),
      bundles: rules.bundles(),
      problems: problems.list(tenant),
      decisions: decisions.statistics(),
      shadows,
      nowMs: now(),
      tenant,
    });

  async function idle(): Promise<void> {
    await Promise.all([turns.idle(), candidates.idle()]);
    await shadows.idle();
  }

  const closing = opened.move();
  return {
    engine,
    log: logBehind(shadows, decisions),
    onChange,
    status: statusFor,
    activate: async (envelope, by) => turns.take(async () => rules.activate(envelope, by)),
    rehearse: candidates.rehearse,
    open: candidates.open,
    check: async (tenant) => checkStatus(statusFor(tenant)),
    idle,
    close: async () => {
      watching.stop();
      stopping.abort(new HostError('draining', 'the host is closing'));
      await idle();
      await closing.disposeAsync();
    },
  };
}

/** What bundles that need not be in force would decide; one after the other. */
function createCandidates(
  parts: CandidateParts & { readonly decisions: DecisionLog },
): Pick<PolicyControl, 'open' | 'rehearse' | 'idle'> {
  const turns = createTurns('rehearsals', rehearsalsWaitingMax);
  return {
    open: async (envelope, principal) =>
      turns.take(async () => openAdmitted(envelope, principal, parts)),
    rehearse: async (envelope, sinceMs, principal) =>
      turns.take(async () => rehearse({ envelope, sinceMs, principal }, parts)),
    idle: async () => turns.idle(),
  };
}

/** The rules for one tenant, or for nobody's, as if they were everybody's: a digest is that of everybody's. */
function onlyFor(source: PolicySource, tenant = ''): PolicySource {
  const ruleSets = source.rulesFor(tenant);
  return { rulesFor: () => ruleSets };
}

async function openDecisions(options: PolicyControlOptions): Promise<DecisionLog> {
  const { policies, dataDirectory, clock, keys, redactor, log } = options;
  return openDecisionLog({
    path: join(dataDirectory, 'decisions.db'),
    keys,
    redactor,
    now: () => clock.now(),
    keepDays: policies.decisionLog.days,
    entriesMax: policies.decisionLog.maxEntries,
    onFault: (fault) => log.error({ err: fault }, 'the decision log has a fault'),
  });
}

/** The log of decisions of which some are still with the shadows: those are erased too. */
function logBehind(shadows: Shadows, decisions: DecisionLog): DecisionLog {
  return {
    ...decisions,
    erase: async (tenant, subject) => {
      await shadows.idle();
      return decisions.erase(tenant, subject);
    },
  };
}

/** Others wait already to have what is new taken, or the host closes. */
function ignoreUnlooked(log: PolicyControlOptions['log']): (thrown: unknown) => void {
  return (thrown) => log.info({ reason: toErrorData(thrown).message }, 'policy: not looked at');
}
