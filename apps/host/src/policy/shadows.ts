import { setImmediate } from 'node:timers/promises';
import type { LogEntry } from '@modelhost/decision-log';
import { compareDecisions } from '@modelhost/policy-engine';
import type { DecisionPoint } from '@modelhost/policy-engine';
import { asIfActive } from './in-force.ts';
import type { LoadedBundle } from './in-force.ts';
import type { ShadowStatistics } from './policy-control.ts';

/** Asks bundles that are not in force what they would have said. */
export interface Shadows {
  /** From the next decision on, the shadows among these bundles are asked. */
  use(bundles: readonly LoadedBundle[]): void;
  /** Takes a decision that was just made, and hands it on to the log when the shadows have decided too. Never waits. */
  follow(entry: LogEntry): void;
  /** Undefined for a bundle that is no shadow. */
  statisticsOf(bundle: LoadedBundle): ShadowStatistics | undefined;
  /** Resolves when everything that was followed before is with the log. */
  idle(): Promise<void>;
}

interface Shadow {
  readonly bundle: LoadedBundle;
  readonly point: DecisionPoint;
  decided: number;
  differed: number;
  dropped: number;
}

/** Each holds a request, which may be large. */
const waitingMax = 256;
/** A few milliseconds of deciding. */
const decisionsAtOnce = 8;

/** Nobody is asked until there are bundles. Decides beside what it is told of, never in its way; when too many wait, it leaves out. */
export function createShadows(options: {
  readonly engine: DecisionPoint;
  readonly append: (entry: LogEntry) => void;
}): Shadows {
  const { engine, append } = options;
  let shadows: readonly Shadow[] = [];
  const waiting: { readonly entry: LogEntry; readonly asked: readonly Shadow[] }[] = [];
  let working: Promise<void> | undefined;
  let taken = 0;
  let done = 0;

  async function work(): Promise<void> {
    for (let round = 1; waiting.length > 0; round += 1) {
      const next = waiting.shift();
      if (next !== undefined) append(await askAll(next.entry, next.asked));
      done += 1;
      if (round % decisionsAtOnce === 0) await setImmediate();
    }
    working = undefined;
  }

  return {
    use: (bundles) => {
      const known = new Map(shadows.map((shadow) => [shadow.bundle, shadow]));
      shadows = bundles
        .filter(({ slot }) => slot === 'shadow')
        .map((bundle) => {
          const point = engine.asIf(asIfActive(bundles, bundle));
          const { decided, differed, dropped } = known.get(bundle) ?? noStatistics;
          return { bundle, point, decided, differed, dropped };
        });
    },
    follow: (entry) => {
      const { tenant } = entry.request.principal;
      const asked = shadows.filter(({ bundle }) => isAbout(bundle, tenant));
      if (asked.length === 0) return append(entry);
      if (waiting.length >= waitingMax) {
        for (const shadow of asked) shadow.dropped += 1;
        return append(entry);
      }
      waiting.push({ entry, asked });
      taken += 1;
      // Whoever asked for the decision goes first.
      working ??= setImmediate().then(work);
    },
    statisticsOf: (bundle) => {
      const shadow = shadows.find((one) => one.bundle === bundle);
      if (shadow === undefined) return undefined;
      const { decided, differed, dropped } = shadow;
      return { decided, differed, dropped };
    },
    idle: async () => {
      // What comes meanwhile is not waited for, else it might never end.
      const end = taken;
      for (let left = end - done; left > 0; left = end - done) {
        await Promise.race([working, setImmediate()]);
      }
    },
  };
}

const noStatistics: ShadowStatistics = { decided: 0, differed: 0, dropped: 0 };

/** The entry with the first shadow that decides otherwise. */
async function askAll(entry: LogEntry, asked: readonly Shadow[]): Promise<LogEntry> {
  let shadow: LogEntry['shadow'];
  for (const one of asked) {
    const decision = await one.point.decide(entry.request);
    one.decided += 1;
    if (compareDecisions(entry.decision, decision).length === 0) continue;
    one.differed += 1;
    const { name, revision } = one.bundle.stored;
    shadow ??= { bundle: `${name}@${revision}`, decision };
  }
  return shadow === undefined ? entry : { ...entry, shadow };
}

function isAbout({ scope }: LoadedBundle, tenant: string): boolean {
  return scope === 'platform' || scope.tenant === tenant;
}
