import { HostError } from '@modelhost/kernel';
import type { RunInput, SessionDraft, SessionPlace } from '@modelhost/kernel';
import type { Host } from './deployment.ts';
import { insist } from './insist.ts';
import { pause } from './pause.ts';
import { inputOf } from './scenario.ts';
import type { DeletionPlan, RunPlan, SessionName, SessionsPlan } from './scenario.ts';
import type { World } from './world.ts';

type Started = Awaited<ReturnType<Host['start']>>;

/** Those who keep conversations: they open sessions, go on with them, branch and delete them. */
export interface SessionClients {
  /** Gives what sends the request for a run, any number of times. */
  senderOf(plan: RunPlan, input: RunInput): () => Promise<Started>;
  remove(plan: DeletionPlan): Promise<void>;
}

/** How often somebody comes back who waited in vain, and how often somebody wants gone what is in use. */
const waitsMax = 60;
const removalsMax = 4;
const removeAgainMs = 900;

/** Nobody keeps any where there is no plan. */
export function createSessionClients(
  world: World,
  host: Host,
  sessions: SessionsPlan | undefined,
): SessionClients {
  const { clock, facts } = world;
  const opener = createOpener(world, host, sessions?.branchShare ?? 0);

  function senderOf(plan: RunPlan, input: RunInput): () => Promise<Started> {
    const { session, runId } = plan;
    if (session === undefined) return async () => host.start(input);
    const { name, timeoutMs } = session;
    let { patienceMs } = session;
    let sessionId: string | undefined;

    async function ask(into: string): Promise<Started | undefined> {
      const gone = new AbortController();
      const wish = { sessionId: into, timeoutMs, signal: gone.signal };
      const leave = (): void => gone.abort(new HostError('cancelled', 'the client has gone'));
      const cancelTimer = patienceMs === null ? () => {} : clock.setTimer(patienceMs, leave);
      patienceMs = null;
      try {
        return await host.startIn({ ...input, requestDigest: `${runId} in ${into}` }, wish);
      } catch (thrown) {
        const code = codeOf(thrown);
        if (code === 'overloaded') await pause(clock, retryAfterMsOf(thrown), undefined);
        else if (code === 'not_found') sessionId = sessionId === into ? undefined : sessionId;
        else if (!gone.signal.aborted || code !== 'cancelled') throw thrown;
        return undefined;
      } finally {
        cancelTimer();
      }
    }

    return async () => {
      for (let waits = 0; waits < waitsMax; waits += 1) {
        sessionId ??= await opener.open(name, plan);
        const started = await ask(sessionId);
        if (started !== undefined) return started;
      }
      facts.violate('S6', `${runId} never gets its session`);
      throw new HostError('internal', 'the client gives up');
    };
  }

  return {
    senderOf,
    remove: async ({ name }) => {
      const place = opener.newest(name);
      if (place !== undefined) await remove(world, host, place);
    },
  };
}

interface Opener {
  /** The session of this name: the one that there is, or a new one. */
  open(name: SessionName, plan: RunPlan): Promise<string>;
  newest(name: SessionName): SessionPlace | undefined;
}

function createOpener(world: World, host: Host, branchShare: number): Opener {
  const newest = new Map<SessionName, SessionPlace>();

  async function branchOf(plan: RunPlan): Promise<SessionDraft['branch']> {
    const sessionId = await open('talk', plan);
    const from = await host.find({ tenant: plan.tenant, sessionId });
    return from && { sessionId, turn: Math.round(from.turns * branchShare) };
  }

  async function open(name: SessionName, plan: RunPlan): Promise<string> {
    const { tenant } = plan;
    const branch = name === 'branch' ? await branchOf(plan) : undefined;
    const draft = {
      tenant,
      sessionId: `ses_${world.count('session')}`,
      requestKey: name,
      subject: inputOf(plan, null).principal.subject,
      title: '',
      metadata: {},
      createdAtMs: world.clock.now(),
      ...(branch === undefined ? {} : { branch }),
    };
    try {
      const { session } = await host.create(draft);
      newest.set(name, { tenant, sessionId: session.sessionId });
      return session.sessionId;
    } catch (thrown) {
      // What it was to be branched from was deleted meanwhile.
      if (codeOf(thrown) !== 'not_found') throw thrown;
      return open(name, plan);
    }
  }

  return { open, newest: (name) => newest.get(name) };
}

/** S5: who was told that it is gone finds it no more. */
async function remove({ clock, facts }: World, host: Host, place: SessionPlace): Promise<void> {
  for (let removals = 0; removals < removalsMax; removals += 1) {
    try {
      await insist(clock, async () => host.remove(place));
      const left = await insist(clock, async () => host.find(place));
      if (left === undefined) return;
      facts.violate('S5', `${place.sessionId} is there after it was deleted`);
    } catch (thrown) {
      const code = codeOf(thrown);
      if (code === 'not_found') return;
      if (code !== 'failed_precondition') throw thrown;
    }
    await pause(clock, removeAgainMs, undefined);
  }
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof HostError ? thrown.code : undefined;
}

function retryAfterMsOf(thrown: unknown): number {
  return (thrown instanceof HostError ? thrown.retryAfterMs : undefined) ?? 0;
}
