import { changeTerms, stepsWith } from '@modelhost/agent-core';
import { HostError, sha256Hex } from '@modelhost/kernel';
import type {
  AgentSpec,
  BudgetLimits,
  ModelRoute,
  Principal,
  RunInput,
  RunStatus,
} from '@modelhost/kernel';
import { admitRun, runIdOf, startAdmitted } from './accept-run.ts';
import type { AcceptedRun, AcceptRunPorts } from './accept-run.ts';

/** What of a run is other in its fork; every bound was checked. */
export interface ForkSpec {
  readonly runId: string;
  readonly atStep: string;
  /** Empty when the caller gave none. */
  readonly requestId: string;
  readonly route: ModelRoute | undefined;
  /** Text of a signed bundle that decides for the fork; empty for what is in force. */
  readonly bundle: string;
  /** What is there is a limit of its own, and never above the agent's; the rest is that of the run. */
  readonly budget: Partial<BudgetLimits>;
}

/** What this host may be asked for. */
export interface ForkHost {
  readonly agents: ReadonlyMap<string, AgentSpec>;
  readonly routes: readonly ModelRoute[];
}

/**
 * Asks policy again whether the agent may take the input, puts the answer on record and starts a new run from a step of another one. It
 * acts with the roles that the caller has now, and leaves no turn. Throws `permission_denied` for a run of somebody else,
 * `failed_precondition` for a step that never began and for an agent or a route that this host has not, and what `acceptRun` throws.
 */
export async function forkRun(
  ports: AcceptRunPorts,
  host: ForkHost,
  principal: Principal,
  spec: ForkSpec,
): Promise<AcceptedRun> {
  const { engine, keys } = ports;
  const { tenant, subject } = principal;
  const from = await engine.status(tenant, spec.runId);
  if (from === undefined) throw new HostError('not_found', `there is no run ${spec.runId}`);
  refuseForeign(from, subject);
  const runId = runIdOf(ports, principal, spec.requestId);
  const { atStep, route } = spec;
  const asked = JSON.stringify([spec.runId, atStep, route?.id ?? '', spec.budget, spec.bundle]);
  const requestDigest = keys.commit(asked, `${tenant}/fork`);
  const isKnown = (await engine.status(tenant, runId)) !== undefined;

  async function change(input: RunInput, firstStep: string): Promise<RunInput> {
    const changed = {
      ...changeInput(input, firstStep, { spec, host }),
      principal,
      requestDigest,
    };
    // The engine alone compares the requests; a conflict says nothing against the run that has the id.
    if (isKnown) return changed;
    refuseAbsent(changed.agent, host);
    const model = changed.agent.route.id;
    const under = spec.bundle === '' ? {} : { bundleSha256: sha256Hex(spec.bundle) };
    return admitRun(ports, changed, { forkOf: spec.runId, atStep, model, ...under });
  }

  const anew = (changed: RunInput, firstStep: string): readonly string[] =>
    stepsWith(changed, { atStep, firstStep });
  const fork = { runId, atStep, change, anew };
  const start = async (): Promise<{ created: boolean }> => engine.fork(tenant, spec.runId, fork);
  const { created } = isKnown
    ? await start()
    : await startAdmitted(ports, { principal, runId }, start);
  return { runId, created };
}

/** Everybody of a tenant sees its runs, so there is nothing to conceal. */
function refuseForeign({ runId, principal: { subject: owner } }: RunStatus, subject: string): void {
  if (owner === subject) return;
  throw new HostError(
    'permission_denied',
    `${owner} has started the run ${runId}, and nobody else forks it`,
    { facts: { subject: owner } },
  );
}

/** The run may come from another configuration. What would only fail must not stand as accepted. */
function refuseAbsent({ id, route }: AgentSpec, { agents, routes }: ForkHost): void {
  if (!agents.has(id)) {
    const message = `this host has no agent ${id}; there is ${namesOf([...agents.keys()])}`;
    throw new HostError('failed_precondition', message, { facts: { agent: id } });
  }
  if (findRoute(routes, route) !== undefined) return;
  const { id: model, provider } = route;
  throw new HostError(
    'failed_precondition',
    `this host has no model route ${model} at a provider ${provider}, which the run used; there is ${namesOf(routes.map((known) => known.id))}: name one with --route`,
    { facts: { model, provider } },
  );
}

/** Some of them, for a message. */
export function namesOf(ids: readonly string[]): string {
  return ids.slice(0, 8).join(', ');
}

/** What is not said to be other is as the run had it, a route as this host has it now. */
function changeInput(
  given: RunInput,
  firstStep: string,
  { spec, host }: { readonly spec: ForkSpec; readonly host: ForkHost },
): RunInput {
  // A fork of a fork is decided by what is in force again, unless it says otherwise.
  const { bundle: _bundle, ...input } = given;
  const { session, agent } = input;
  const { route = findRoute(host.routes, agent.route) ?? agent.route, bundle } = spec;
  // Never above what the agent has, be it now or as it was.
  const ceilings = [agent.budget, host.agents.get(agent.id)?.budget ?? agent.budget];
  const budget = lowestOf([{ ...input.budget, ...spec.budget }, ...ceilings]);
  return {
    ...changeTerms(input, firstStep, { route, budget }),
    ...(session === undefined ? {} : { session: withoutTurn(session) }),
    ...(bundle === '' ? {} : { bundle }),
  };
}

function findRoute(
  routes: readonly ModelRoute[],
  { id, provider }: ModelRoute,
): ModelRoute | undefined {
  return routes.find((known) => known.id === id && known.provider === provider);
}

function lowestOf(limits: readonly BudgetLimits[]): BudgetLimits {
  const lowest = (name: keyof BudgetLimits): number =>
    Math.min(...limits.map((some) => some[name]));
  return {
    tokensMax: lowest('tokensMax'),
    costMicroUsdMax: lowest('costMicroUsdMax'),
    stepsMax: lowest('stepsMax'),
    toolCallsMax: lowest('toolCallsMax'),
    durationMsMax: lowest('durationMsMax'),
  };
}

/** What was said in the session is the history still, but the fork adds nothing to it. */
function withoutTurn({
  turn: _turn,
  ...session
}: NonNullable<RunInput['session']>): NonNullable<RunInput['session']> {
  return session;
}
