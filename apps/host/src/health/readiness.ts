import { toErrorData } from '@modelhost/kernel';

export type ReadinessStatus = 'up' | 'degraded' | 'down';

/** Something whose health is asked for. */
export interface Component {
  /** Such as `audit`, `provider/demo`, `tools/files`. */
  readonly name: string;
  /** Without it the host cannot serve; any other component only degrades it. */
  readonly isRequired: boolean;
  /** Rejects when it does not work. */
  readonly check: (signal: AbortSignal) => Promise<void>;
}

/** How a component is. */
export interface ComponentReport {
  readonly name: string;
  readonly status: ReadinessStatus;
  readonly latencyMs: number;
  /** Undefined while it works. */
  readonly error: string | undefined;
}

/** How the host is. */
export interface ReadinessReport {
  readonly status: ReadinessStatus;
  readonly isDraining: boolean;
  /** Sorted by name. */
  readonly components: readonly ComponentReport[];
  readonly timeMs: number;
}

/** Whether the host should get traffic. */
export interface Readiness {
  /** At most one round of checks at a time, kept for a while, so that probes cannot hammer what they ask about. */
  report(): Promise<ReadinessReport>;
  /** From now on the host is down for whoever sends it work. */
  drain(): void;
}

interface Round {
  readonly atMs: number;
  readonly reports: Promise<readonly ComponentReport[]>;
  isSettled: boolean;
}

/** Asks the components. A check that takes longer than `checkTimeoutMs` has failed. */
export function createReadiness(options: {
  readonly components: readonly Component[];
  readonly now: () => number;
  readonly checkTimeoutMs: number;
  readonly keepMs: number;
  /** What every error passes before it is told. */
  readonly hide: (text: string) => string;
}): Readiness {
  const { components, now, checkTimeoutMs, keepMs, hide } = options;
  let isDraining = false;
  let kept: Round | undefined;

  async function checkAll(): Promise<readonly ComponentReport[]> {
    const reports = await Promise.all(
      components.map(async (component) => {
        const { error, ...checked } = await checkOne(component, now, checkTimeoutMs);
        return { ...checked, error: error === undefined ? undefined : hide(error) };
      }),
    );
    return reports.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  function isCurrent(round: Round | undefined): round is Round {
    if (round === undefined) return false;
    const ageMs = now() - round.atMs;
    // A clock that was set back must not keep an old answer.
    return !round.isSettled || (ageMs >= 0 && ageMs < keepMs);
  }

  function startRound(): Round {
    const round: Round = { atMs: now(), reports: checkAll(), isSettled: false };
    void round.reports.then(() => {
      round.isSettled = true;
    });
    return round;
  }

  async function report(): Promise<ReadinessReport> {
    kept = isCurrent(kept) ? kept : startRound();
    const { atMs, reports } = kept;
    const found = await reports;
    const isWorse = found.some(({ status }) => status !== 'up');
    const isDown = isDraining || found.some(({ status }) => status === 'down');
    const status = isDown ? 'down' : isWorse ? 'degraded' : 'up';
    return { status, isDraining, components: found, timeMs: atMs };
  }

  return {
    report,
    drain: () => {
      isDraining = true;
    },
  };
}

async function checkOne(
  { name, isRequired, check }: Component,
  now: () => number,
  timeoutMs: number,
): Promise<ComponentReport> {
  const startedMs = now();
  const controller = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    controller.abort();
    reject(new Error('late'));
  }, timeoutMs);
  try {
    await Promise.race([check(controller.signal), late]);
    return { name, status: 'up', latencyMs: now() - startedMs, error: undefined };
  } catch (thrown) {
    const error = controller.signal.aborted
      ? `no answer in ${timeoutMs} ms`
      : toErrorData(thrown).message;
    const status = isRequired ? 'down' : 'degraded';
    return { name, status, latencyMs: now() - startedMs, error };
  } finally {
    clearTimeout(timer);
  }
}
