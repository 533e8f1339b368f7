import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import type { Line } from './supervisor-line.ts';
import type { HealthStatus } from './supervisor-health.ts';
import type { Watches } from './supervisor-watches.ts';

/** The lines to one server: a single one that everybody shares, or one for each subject. */
export interface Lines {
  /** Throws `overloaded` when there are too many and all of them are in use. */
  of(principal: Principal): SubjectLine;
  /** That of the principal, if there is one. */
  known(principal: Principal): SubjectLine | undefined;
  /** One that is connected, if there is any. */
  connected(): SubjectLine | undefined;
  /** That of the one who is best off. */
  status(): HealthStatus;
  close(): Promise<void>;
}

/** A line and what its subject watches. */
export interface SubjectLine extends Line {
  readonly watches: Watches;
}

/** What lines are made of. */
export interface LinesOptions {
  readonly alias: string;
  readonly linesMax: number;
  readonly subjectOf: (principal: Principal) => string;
  readonly createLine: (principal: Principal) => SubjectLine;
}

const bestFirst = ['ready', 'degraded', 'connecting', 'idle', 'open', 'failed', 'closed'] as const;

/** What was used least lately is closed when there is no room for another. */
export function createLines(options: LinesOptions): Lines {
  const { alias, linesMax, subjectOf, createLine } = options;
  // In the order of their last use.
  const lines = new Map<string, SubjectLine>();
  const endings = new Set<Promise<void>>();
  let isClosed = false;

  function of(principal: Principal): SubjectLine {
    const subject = subjectOf(principal);
    const known = lines.get(subject);
    if (known === undefined && lines.size >= linesMax) makeRoom();
    const line = known ?? createLine(principal);
    lines.delete(subject);
    lines.set(subject, line);
    return line;
  }

  function makeRoom(): void {
    const unused = [...lines].find(([, line]) => !isInUse(line));
    if (unused === undefined) {
      throw new HostError('overloaded', `${alias}: ${lines.size} connections are in use`);
    }
    lines.delete(unused[0]);
    const ending = unused[1].close().finally(() => endings.delete(ending));
    endings.add(ending);
  }

  function connected(): SubjectLine | undefined {
    return lines.values().find((line) => line.current() !== undefined);
  }

  function status(): HealthStatus {
    if (isClosed) return { state: 'closed', error: undefined };
    // Asked with each call; most servers have one line.
    let best: HealthStatus | undefined;
    for (const line of lines.values()) {
      const own = line.status();
      if (best === undefined || rankOf(own) < rankOf(best)) best = own;
    }
    return best ?? { state: 'idle', error: undefined };
  }

  async function close(): Promise<void> {
    isClosed = true;
    await Promise.all([...[...lines.values()].map((line) => line.close()), ...endings]);
  }

  return { of, known: (principal) => lines.get(subjectOf(principal)), connected, status, close };
}

function rankOf({ state }: HealthStatus): number {
  return bestFirst.indexOf(state);
}

function isInUse(line: SubjectLine): boolean {
  const isOpening = line.status().state === 'connecting';
  return isOpening || line.watches.isHeld() || (line.current()?.exchangesInFlight() ?? 0) > 0;
}
