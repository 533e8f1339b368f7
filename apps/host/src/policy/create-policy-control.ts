import { join } from 'node:path';
import { openDecisionLog } from '@modelhost/decision-log';
import { HostError, toErrorData } from '@modelhost/kernel';
import { createPolicyEngine } from '@modelhost/policy-engine';
import type { PolicySource } from '@modelhost/policy-engine';
import { openRules } from './open-rules.ts';
import type { PolicyControlOptions } from './open-rules.ts';
import type { PolicyControl, PolicyProblem, PolicyStatus } from './policy-control.ts';
import { bundleStatuses, stateOf, whyUnwell } from './policy-status.ts';
import { createProblems } from './problems.ts';
import { createRecordingEngine } from './recording-engine.ts';
import { rehearse } from './rehearse.ts';
import { createShadows } from './shadows.ts';
import { createTurns } from './turns.ts';
import { watch } from './watch.ts';

const activationsWaitingMax = 16;
const nobody: PolicySource = { rulesFor: () => [] };

/**
 * Brings the configured and stored rules in force and keeps them so: watches their files, takes activations, records
 * decisions. Throws `config_invalid` when there are no good rules at all. Whoever makes it closes it.
 */
export async function createPolicyControl(options: PolicyControlOptions): Promise<PolicyControl> {
  const { policies, clock, keys, log } = options;
  const now = (): number => clock.now();
  await using opened = new AsyncDisposableStack();
  const decisions = await openDecisionLog({
    path: join(options.dataDirectory, 'policy', 'decisions.db'),
    keys,
    now,
    keepDays: policies.decisionLog.days,
    entriesMax: policies.decisionLog.maxEntries,
    onFault: (fault) => log.error({ err: fault }, 'the decision log has a fault'),
  });
  opened.defer(async () => decisions.close());
  const bare = createPolicyEngine({ source: nobody });
  const shadows = createShadows({ engine: bare, append: (entry) => decisions.append(entry) });
  opened.defer(async () => shadows.idle());
  const problems = createProblems(log);
  const stopping = new AbortController();
  const { signal } = stopping;
  const turns = createTurns(activationsWaitingMax);
  const rules = await openRules({
    ...options,
    now,
    engine: bare,
    decisions,
    problems,
    signal,
    shadows,
  });
  await rules.start();
  const engine = createRecordingEngine({
    engine: bare,
    now,
    refusalOf: (tenant) => rules.refusalOf(tenant),
    follow: (entry) => shadows.follow(entry),
    log,
  });
  const watching = watch({
    clock,
    everyMs: policies.watchMs,
    look: async () => turns.take(async () => rules.look()).catch(ignoreOverload(log)),
  });

  function status(tenant?: string): PolicyStatus {
    const statistics = decisions.statistics();
    const isFailing: readonly PolicyProblem[] = statistics.isFailing
      ? [{ where: 'decision log', message: 'decisions cannot be recorded' }]
      : [];
    const found = [...problems.list(tenant), ...isFailing];
    const parts = { shadows, inForce: rules.bundles(), nowMs: now(), graceMs: policies.graceMs };
    const bundles = bundleStatuses({ ...parts, tenant });
    return {
      state: stateOf(bundles, found),
      source: policies.directory === undefined ? 'bundles' : 'directory',
      digest: engine.digest(),
      bundles,
      problems: found,
      decisions: statistics,
    };
  }

  const closing = opened.move();
  return {
    engine,
    log: decisions,
    status,
    activate: async (envelope, by) => turns.take(async () => rules.activate(envelope, by)),
    rehearse: async (envelope, sinceMs, principal) =>
      rehearse(
        { envelope, sinceMs, principal },
        { ...options, rules, engine: bare, decisions, signal },
      ),
    check: async () => {
      const reason = whyUnwell(status());
      if (reason !== undefined) throw new HostError('failed_precondition', reason);
    },
    close: async () => {
      watching.stop();
      stopping.abort();
      await turns.idle();
      await closing.disposeAsync();
    },
  };
}

/** Others wait already to have what is new taken. */
function ignoreOverload(log: PolicyControlOptions['log']): (thrown: unknown) => void {
  return (thrown) => log.warn({ reason: toErrorData(thrown).message }, 'policy: not looked at');
}
