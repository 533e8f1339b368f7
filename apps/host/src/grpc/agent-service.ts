import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { AgentService } from '@modelhost/contracts';
import type {
  AgentSpec,
  EventLog,
  JsonSchemas,
  ModelRoute,
  Principal,
  RunEngine,
} from '@modelhost/kernel';
import { acceptRun } from '../accept-run.ts';
import type { AcceptedRun, AcceptRunPorts } from '../accept-run.ts';
import type { PolicyControl } from '../policy/policy-control.ts';
import type { RunStarts } from '../runs/run-starts.ts';
import { createAnswers } from './answers.ts';
import { encodeEvent } from './event-encoder.ts';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import { findRun, readId } from './find-run.ts';
import { createForkRun } from './fork-run.ts';
import { createReplayRun } from './replay-run.ts';
import { readRunSpec } from './read-run-spec.ts';
import { readState, toRunMessage } from './run-message.ts';
import type { CallContext, Handlers } from './service.ts';
import { createWatchEvents } from './watch-events.ts';

/** What the service needs. */
export interface AgentServiceOptions {
  readonly accept: AcceptRunPorts;
  readonly engine: RunEngine & EventLog;
  readonly starts: RunStarts;
  readonly policyControl: Pick<PolicyControl, 'open'>;
  readonly schemas: JsonSchemas;
  readonly agents: ReadonlyMap<string, AgentSpec>;
  /** Every configured route; `isDemo` marks scripted ones. */
  readonly routes: readonly (ModelRoute & { readonly isDemo: boolean })[];
}

type Service = Handlers<typeof AgentService>;

const pageSizeDefault = 50;
const pageSizeMax = 200;

/** Agents and their runs, as the contract says. Runs of other tenants are as absent as runs that never were. */
export function createAgentService(options: AgentServiceOptions): Service {
  const { accept, engine, starts, agents, schemas } = options;
  const { clock } = accept;

  async function start(
    request: { readonly spec?: Parameters<typeof readRunSpec>[0] },
    call: CallContext,
  ): Promise<AcceptedRun> {
    return acceptRun(accept, call, readRunSpec(request.spec, { agents, schemas }));
  }

  async function* follow(
    runId: string,
    afterSequence: number,
    { principal, signal }: CallContext,
  ): AsyncGenerator<Buffer, void> {
    const events = engine.follow(principal.tenant, runId, { afterSequence, signal });
    for await (const event of events) yield encodeEvent(event);
  }

  return {
    run: async function* run(request, call) {
      const { runId, created } = await start(request, call);
      try {
        yield* follow(runId, 0, call);
      } finally {
        // A follower of a run that another call has created must not end it.
        if (created && call.signal.aborted) {
          await engine.cancel(call.principal.tenant, runId, call.principal.subject);
        }
      }
    },
    startRun: start,
    followRun: (request, call) => {
      const reader = createFieldReader();
      const { afterSequence } = request;
      readId(reader, 'run_id', request.runId);
      const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };
      const after = reader.number('after_sequence', afterSequence, bounds) ?? 0;
      refuseIfAny(reader);
      return follow(request.runId, after, call);
    },
    getRun: async ({ runId }, { principal }) => ({
      run: toRunMessage(await findRun(engine, principal, runId)),
    }),
    listRuns: async (request, { principal }) => listRuns(engine, principal, request),
    cancelRun: async ({ runId }, { principal }) => {
      await findRun(engine, principal, runId);
      return { cancelled: await engine.cancel(principal.tenant, runId, principal.subject) };
    },
    ...createAnswers(engine, schemas),
    replayRun: createReplayRun(engine),
    watchEvents: createWatchEvents({ engine, starts, clock }),
    forkRun: createForkRun(options),
    listAgents: async () => ({ agents: [...agents.values()].map(toAgentMessage) }),
    listModels: async () => ({ models: options.routes.map(toModelMessage) }),
  };
}

async function listRuns(
  engine: RunEngine,
  { tenant }: Principal,
  request: Parameters<Service['listRuns']>[0],
): Promise<Awaited<ReturnType<Service['listRuns']>>> {
  const reader = createFieldReader();
  reader.number('page_size', request.pageSize, { min: 0, max: pageSizeMax });
  reader.text('page_token', request.pageToken, { min: 0, max: 256 });
  const state = readState(reader, request.state);
  refuseIfAny(reader);
  const { runs, nextPageToken = '' } = await engine.list(tenant, {
    pageSize: request.pageSize === 0 ? pageSizeDefault : request.pageSize,
    ...(request.pageToken === '' ? {} : { pageToken: request.pageToken }),
    ...(state === undefined ? {} : { state }),
  });
  return { runs: runs.map(toRunMessage), nextPageToken };
}

function toAgentMessage({ id, version, description, route, tools, budget }: AgentSpec) {
  return {
    id,
    version,
    description,
    model: route.id,
    tools: [...tools],
    budget: {
      maxTokens: BigInt(budget.tokensMax),
      maxCostMicroUsd: BigInt(budget.costMicroUsdMax),
      maxSteps: budget.stepsMax,
      maxToolCalls: budget.toolCallsMax,
      maxDuration: durationFromMs(budget.durationMsMax),
    },
  };
}

function toModelMessage(route: AgentServiceOptions['routes'][number]) {
  return {
    id: route.id,
    provider: route.provider,
    model: route.model,
    contextTokens: BigInt(route.contextTokensMax),
    maxOutputTokens: BigInt(route.outputTokensMax),
    inputUsdPerMillionTokens: route.inputMicroUsdPerToken,
    outputUsdPerMillionTokens: route.outputMicroUsdPerToken,
    demo: route.isDemo,
  };
}
