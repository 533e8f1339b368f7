import { HostError } from '@modelhost/kernel';
import type { RunEvent, SignalPayload } from '@modelhost/kernel';
import { drawText } from './canaries.ts';
import type { Host } from './deployment.ts';
import { createForkClients } from './fork-clients.ts';
import type { Forked } from './fork-clients.ts';
import { insist } from './insist.ts';
import type { Outside } from './outside.ts';
import { pause } from './pause.ts';
import type { Random } from './random.ts';
import { clientTool, inputOf, taskOf } from './scenario.ts';
import type { FollowerPlan, RunPlan, Scenario } from './scenario.ts';
import { createSessionClients } from './session-clients.ts';
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
  /** Followers that have not ended. */
  readonly following: () => number;
  /** Runs that were begun from others. */
  readonly forks: readonly Forked[];
}

/** Puts everything that clients will do on the clock. */
export function createClients(world: World, host: Host, scenario: Scenario): Clients {
  const { clock, facts } = world;
  const seen: Seen[] = [];
  const whole = new Map<string, RunEvent[]>();
  const talkers = createSessionClients(world, host, scenario.sessions);
  const forking = createForkClients(world, host, { whole, attend, attendTo });
  let following = 0;

  async function start(plan: RunPlan): Promise<void> {
    await startOnce(world, plan, talkers.senderOf(plan, inputOf(plan, world.governance.window)));
    await attendTo(plan);
  }

  async function attendTo(plan: RunPlan): Promise<void> {
    if (plan.cancelAfterMs !== null)
      clock.setTimer(plan.cancelAfterMs, () => attend(cancel(world, host, plan)));
    for (const follower of plan.followers) {
      clock.setTimer(follower.startAfterMs, () => attend(follow(plan, follower)));
    }
    await watch(plan);
  }

  /** Follows from the first event and does what the people at the other end do. */
  async function watch({ runId, tenant }: RunPlan): Promise<void> {
    const events: RunEvent[] = [];
    whole.set(runId, events);
    following += 1;
    const { signal } = new AbortController();
    await insist(clock, async () => {
      const afterSequence = events.at(-1)?.sequence ?? 0;
      for await (const event of host.follow(tenant, runId, { afterSequence, signal })) {
        events.push(event);
        facts.add({ type: 'event', runId, event });
        for (const answer of answersTo(world, events, event)) {
          const to = { tenant, runId, answer };
          clock.setTimer(answer.delayMs, () => attend(send(world, host, to)));
        }
      }
    });
    following -= 1;
  }

  function attend(work: Promise<void>): void {
    work.catch((thrown: unknown) => facts.violate('I18', `a client is refused: ${String(thrown)}`));
  }

  async function follow(plan: RunPlan, planned: FollowerPlan): Promise<void> {
    following += 1;
    // Nobody can have seen more of a run than was shown.
    const shown = whole.get(plan.runId)?.at(-1)?.sequence ?? 0;
    const follower = { ...planned, afterSequence: Math.min(planned.afterSequence, shown) };
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

  for (const plan of scenario.runs) clock.setTimer(plan.startAfterMs, () => attend(start(plan)));
  const {
    fork,
    runs: [first],
  } = scenario;
  if (fork !== undefined && first !== undefined) forking.plan(fork, first);
  for (const plan of scenario.sessions?.deletions ?? []) {
    clock.setTimer(plan.afterMs, () => attend(talkers.remove(plan)));
  }
  return { seen, whole, forks: forking.forks, following: () => following };
}

async function cancel(
  { clock, facts }: World,
  host: Host,
  { runId, tenant }: RunPlan,
): Promise<void> {
  if (await insist(clock, async () => host.cancel(`not-${tenant}`, runId, 'mallory'))) {
    facts.violate('I9', 'a cancel of another tenant was accepted');
  }
  const isStopped = await insist(clock, async () => host.cancel(tenant, runId, 'ann'));
  if (isStopped) facts.add({ type: 'stopped', runId });
}

/** Starts a run, once, however often it is asked for. */
async function startOnce(
  { clock, facts, tasks }: World,
  plan: RunPlan,
  ask: () => Promise<{ readonly created: boolean }>,
): Promise<void> {
  tasks.set(plan.runId, taskOf(plan));
  let created = 0;
  const request = async (): Promise<void> => {
    if ((await ask()).created) created += 1;
  };
  await (plan.session?.isTwice === true
    ? Promise.all([insist(clock, request), insist(clock, request)])
    : insist(clock, request));
  // The same request may come any number of times.
  await insist(clock, request);
  if (created > 1) facts.violate('I1', 'the same run was started twice');
}

async function send(
  { facts, clock }: World,
  host: Host,
  to: { readonly tenant: string; readonly runId: string; readonly answer: Answer },
): Promise<void> {
  const { tenant, runId, answer } = to;
  const { name, payload } = answer;
  const stranger = await insist(clock, async () =>
    host.signal(`not-${tenant}`, runId, name, payload),
  );
  if (stranger.accepted) facts.violate('I9', 'a signal of another tenant was accepted');
  // A message may come twice.
  for (let copies = 0; copies < 2; copies += 1) {
    const { accepted } = await insist(clock, async () => host.signal(tenant, runId, name, payload));
    facts.add({ type: 'answered', runId, name, payload, isAccepted: accepted });
  }
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
  const read = async (): Promise<boolean> => {
    const afterSequence = events.at(-1)?.sequence ?? follower.afterSequence;
    for await (const event of host.follow(plan.tenant, plan.runId, { afterSequence, signal })) {
      events.push(event);
      if (follower.pauseMs > 0) await pause(clock, follower.pauseMs, undefined);
      if (follower.reconnectEvery > 0 && events.length % follower.reconnectEvery === 0) {
        return false;
      }
    }
    return true;
  };
  for (let isOver = false; !isOver;) isOver = await insist(clock, read);
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
