import { createJsonSchemas } from '@modelhost/json-schema';
import { HostError } from '@modelhost/kernel';
import { createPinMemory } from '../fixtures/pin-memory.ts';
import { endingTimes, serverSpec, somebody } from '../fixtures/start-gateway.ts';
import { createMcpGateway } from '../gateway.ts';
import type { McpGateway } from '../gateway.ts';
import type { SoakPeer } from './peers.ts';

/** How many calls ended in which way. */
export interface SoakCounts {
  readonly made: number;
  readonly answered: number;
  /** Failed after they may have gone out. */
  readonly failedSent: number;
  /** Failed and never went out. */
  readonly failedUnsent: number;
  readonly cancelled: number;
  /** Times that the work of a call was done. */
  readonly executed: number;
  /** Calls whose work was done more than once, or done though they are said not to have gone out, or not though answered. */
  readonly wrong: number;
}

/** A soak that goes on for as long as it is asked to. */
export interface Soak {
  /** Makes so many calls and waits for all of them; then nothing is in flight. */
  run(calls: number): Promise<void>;
  counts(): SoakCounts;
  readonly gateway: McpGateway;
  close(): Promise<void>;
}

/** What a soak is made of. */
export interface SoakOptions {
  readonly peers: readonly SoakPeer[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** From 0 up to, without, 1. */
  readonly random: () => number;
  readonly callsInFlight: number;
  readonly callTimeoutMs: number;
  /** Share of the calls that go wrong, and of those that are cancelled. */
  readonly faultShare: number;
  readonly cancelShare: number;
}

type Ending = 'answered' | 'failedSent' | 'failedUnsent' | 'cancelled';

/** The breaker opens often enough to matter, and not for so long that little else happens. */
const times = { openMs: 100, firstRetryMs: 20, longestRetryMs: 200 };
const enough = new Error('enough');

/** Connects to all peers; their calls may run at most once. */
export async function startSoak(options: SoakOptions): Promise<Soak> {
  const { peers, random, callTimeoutMs } = options;
  const counts = { made: 0, executed: 0, wrong: 0 };
  const endings = { answered: 0, failedSent: 0, failedUnsent: 0, cancelled: 0 };
  const gateway = createMcpGateway({
    servers: peers.map(({ alias, transport }) => serverSpec(alias, transport, { callTimeoutMs })),
    schemas: createJsonSchemas(),
    clientVersion: '1',
    environment: options.environment,
    pinStore: createPinMemory(),
    random,
    times,
    endingTimes,
  });
  await gateway.connected();

  async function run(calls: number): Promise<void> {
    const ended = new Map<string, Ending>();
    let left = calls;
    async function work(): Promise<void> {
      while (left > 0) {
        left -= 1;
        counts.made += 1;
        const id = `call-${counts.made}`;
        const ending = await callOnce(options, gateway, id); // oxlint-disable-line no-await-in-loop
        ended.set(id, ending);
        endings[ending] += 1;
      }
    }
    await Promise.all(Array.from({ length: options.callsInFlight }, work));
    await checkExecutions(ended);
  }

  async function checkExecutions(ended: ReadonlyMap<string, Ending>): Promise<void> {
    const taken = await Promise.all(peers.map((peer) => peer.takeExecutions()));
    const executions = new Map(taken.flatMap((map) => [...map]));
    for (const count of executions.values()) {
      counts.executed += count;
      if (count > 1) counts.wrong += 1;
    }
    for (const [id, ending] of ended) {
      const isDone = executions.has(id);
      if (ending === 'answered' && !isDone) counts.wrong += 1;
      if (ending === 'failedUnsent' && isDone) counts.wrong += 1;
    }
  }

  return {
    run,
    counts: () => ({ ...counts, ...endings }),
    gateway,
    close: async () => {
      await gateway.close();
      await Promise.all(peers.map((peer) => peer.close()));
    },
  };
}

async function callOnce(options: SoakOptions, gateway: McpGateway, id: string): Promise<Ending> {
  const { random, callTimeoutMs } = options;
  const { alias, faults } = pick(options.peers, random);
  const fault = random() < options.faultShare ? pick(faults, random) : 'ok';
  const cancel = new AbortController();
  if (random() < options.cancelShare) setTimeout(() => cancel.abort(enough), random() * 20);
  const invocation = {
    tool: `${alias}__count`,
    arguments: { id, fault },
    principal: somebody,
    idempotencyKey: id,
    timeoutMs: callTimeoutMs,
  };
  try {
    await gateway.callTool(invocation, { signal: cancel.signal });
    return 'answered';
  } catch (cause) {
    if (cause === enough) return 'cancelled';
    if (!(cause instanceof HostError)) throw cause;
    return cause.facts['sent'] === 'true' ? 'failedSent' : 'failedUnsent';
  }
}

function pick<T>(from: readonly T[], random: () => number): T {
  const picked = from[Math.floor(random() * from.length)];
  if (picked === undefined) throw new RangeError('nothing to pick from');
  return picked;
}
