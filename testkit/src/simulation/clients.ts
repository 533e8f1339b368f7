import { HostError } from '@modelhost/kernel';
import type { EventLog, RunEngine, RunEvent, SignalPayload } from '@modelhost/kernel';
import { drawText } from './canaries.ts';
import type { Outside } from './outside.ts';
import { pause } from './pause.ts';
import type { Random } from './random.ts';
import { clientTool, inputOf } from './scenario.ts';
import type { FollowerPlan, RunPlan, Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** What a follower saw of a run. */
export interface Seen {
  readonly runId: string;
  readonly afterSequence: number;
  readonly events: readonly RunEvent[];
  /** What ended the following; undefined for the end of the run. */
  readonly error: HostError | undefined;
}

/** The clients of a simulated host: those who start, watch, answer and cancel. */
export interface Clients {
  /** What was seen, by the followers that have ended. */
  readonly seen: readonly Seen[];
  /** What the first follower of each run saw, which never sleeps. */
  readonly whole: ReadonlyMap<string, readonly RunEvent[]>;
  /** Runs that were refused at the start. */
  readonly refused: ReadonlySet<string>;
  /** Runs that waited when the host was drained: they would go on after a restart. */
  readonly parked: ReadonlySet<string>;
  /** Followers that have not ended. */
  readonly following: () => number;
}

type Host = RunEngine & EventLog;

/** Puts everything that clients will do on the clock. */
export function createClients(world: World, host: Host, scenario: Scenario): Clients {
  const { clock, facts } = world;
  const seen: Seen[] = [];
  const whole = new Map<string, RunEvent[]>();
  const refused = new Set<string>();
  const parked = new Set<string>();
  let following = 0;

  async function start(plan: RunPlan): Promise<void> {
    const input = inputOf(plan);
    try {
      await host.start(input);
    } catch (thrown) {
      if (!(thrown instanceof HostError) || thrown.code !== 'draining') throw thrown;
      refused.add(plan.runId);
      return;
    }
    if ((await host.start(input)).created) facts.violate('I1', 'the same run was started twice');
    if (plan.cancelAfterMs !== null) clock.setTimer(plan.cancelAfterMs, () => void cancel(plan));
    for (const follower of plan.followers) {
      clock.setTimer(follower.startAfterMs, () => void follow(plan, follower));
    }
    await watch(plan);
  }

  /** Follows from the first event and does what the people at the other end do. */
  async function watch({ runId, tenant }: RunPlan): Promise<void> {
    const events: RunEvent[] = [];
    whole.set(runId, events);
    following += 1;
    const { signal } = new AbortController();
    try {
      for await (const event of host.follow(tenant, runId, { afterSequence: 0, signal })) {
        events.push(event);
        facts.add({ type: 'event', runId, event });
        for (const answer of answersTo(world, events, event)) {
          clock.setTimer(answer.delayMs, () => void send(world, host, { tenant, runId, answer }));
        }
      }
    } catch (thrown) {
      if (!(thrown instanceof HostError) || thrown.code !== 'draining') throw thrown;
      parked.add(runId);
    }
    following -= 1;
  }

  async function cancel({ runId, tenant }: RunPlan): Promise<void> {
    if (await host.cancel(`not-${tenant}`, runId, 'mallory')) {
      facts.violate('I9', 'a cancel of another tenant was accepted');
    }
    if (await host.cancel(tenant, runId, 'ann')) facts.add({ type: 'stopped', runId });
  }

  async function follow(plan: RunPlan, follower: FollowerPlan): Promise<void> {
    following += 1;
    const events: RunEvent[] = [];
    let error: HostError | undefined;
    try {
      await followAll(world, host, { plan, follower, events });
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
      error = thrown;
    }
    following -= 1;
    seen.push({ runId: plan.runId, afterSequence: follower.afterSequence, events, error });
  }

  for (const plan of scenario.runs) clock.setTimer(plan.startAfterMs, () => void start(plan));
  if (scenario.drainAfterMs !== null) {
    clock.setTimer(scenario.drainAfterMs, () => void host.drain(scenario.drainTimeoutMs));
  }
  return { seen, whole, refused, parked, following: () => following };
}

async function send(
  { facts }: World,
  host: Host,
  to: { readonly tenant: string; readonly runId: string; readonly answer: Answer },
): Promise<void> {
  const { tenant, runId, answer } = to;
  const { name, payload } = answer;
  const stranger = await host.signal(`not-${tenant}`, runId, name, payload);
  if (stranger.accepted) facts.violate('I9', 'a signal of another tenant was accepted');
  const { accepted } = await host.signal(tenant, runId, name, payload);
  facts.add({ type: 'answered', runId, name, payload, isAccepted: accepted });
}

/** Follows a run to its end, sleeping and breaking off as planned. */
async function followAll(
  { clock }: World,
  host: Host,
  client: {
    readonly plan: RunPlan;
    readonly follower: FollowerPlan;
    readonly events: RunEvent[];
  },
): Promise<void> {
  const { plan, follower, events } = client;
  const { signal } = new AbortController();
  for (let isOver = false; !isOver;) {
    isOver = true;
    const afterSequence = events.at(-1)?.sequence ?? follower.afterSequence;
    for await (const event of host.follow(plan.tenant, plan.runId, { afterSequence, signal })) {
      events.push(event);
      if (follower.pauseMs > 0) await pause(clock, follower.pauseMs, undefined);
      if (follower.reconnectEvery > 0 && events.length % follower.reconnectEvery === 0) {
        isOver = false;
        break;
      }
    }
  }
}

interface Voter {
  readonly by: string;
  readonly roles: readonly string[];
}

/** Those who vote; the last is the one whose runs they are. */
const voters: readonly [Voter, ...Voter[]] = [
  { by: 'ann', roles: ['boss'] },
  { by: 'bob', roles: ['boss', 'peer'] },
  { by: 'cem', roles: ['peer'] },
  { by: 'dan', roles: [] },
  { by: 'user@acme', roles: ['boss'] },
];

interface Answer {
  readonly name: string;
  readonly payload: SignalPayload;
  readonly delayMs: number;
}

/** What people send after they saw an event: nothing, one answer, or several that contradict each other. */
function answersTo(
  { outside }: World,
  events: readonly RunEvent[],
  { body }: RunEvent,
): readonly Answer[] {
  if (body.type === 'approval-requested') {
    // Whoever votes does not look at who voted before, nor whether anybody is asked.
    return [1, 2, 3].flatMap((round) =>
      drawAnswers(outside, `approval/${body.approvalId}/${round}`, (random) => ({
        type: 'approval',
        approved: random.chance(round === 1 ? 0.75 : 0.85),
        comment: drawText(random, 'fine'),
        ...random.pick(voters),
      })),
    );
  }
  if (body.type === 'input-requested') {
    return drawAnswers(outside, `tool-input/${body.inputId}`, (random) => ({
      type: 'tool-input',
      action: random.pick(['accept', 'accept', 'accept', 'decline', 'cancel']),
      content: random.chance(0.8) ? { value: String(random.int(1, 9)) } : { value: 3 },
      by: 'boss',
    }));
  }
  if (body.type !== 'decision' || body.effect !== 'allow') return [];
  const { callId, resource } = body;
  if (resource !== clientTool.name || !events.some((event) => isRequest(event, callId))) return [];
  return drawAnswers(outside, `tool-result/${callId}`, (random) => ({
    type: 'tool-result',
    content: drawText(random, 'blue'),
    isError: random.chance(0.2),
  }));
}

function drawAnswers(
  outside: Outside,
  name: string,
  drawPayload: (random: Random) => SignalPayload,
): readonly Answer[] {
  return outside.take(name, (random) =>
    Array.from({ length: random.pick([0, 1, 1, 1, 2]) }, () => ({
      name,
      payload: drawPayload(random),
      delayMs: random.int(0, 1_500),
    })),
  );
}

function isRequest({ body }: RunEvent, callId: string): boolean {
  return body.type === 'tool-requested' && body.callId === callId;
}
