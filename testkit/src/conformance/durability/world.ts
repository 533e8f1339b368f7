import type { RunProgram } from '@modelhost/kernel';
import type { Random } from '../../simulation/random.ts';
import type { ProcessClock } from '../../crash/process.ts';
import type { VirtualClock } from '../../virtual-clock.ts';
import type { ConformanceBounds, EngineUnderTest } from '../workbench.ts';

/** How an engine is opened on what is kept. */
export interface OpenOptions {
  /** Programs by version, made for a process: their bodies live and die with it. */
  readonly programs: Readonly<Record<string, (clock: ProcessClock) => RunProgram>>;
  readonly current: string;
  readonly bounds: ConformanceBounds & { readonly parkAfterMs: number };
  /** At which change of what is kept the engine is killed, from 1 for its first; absent for never. */
  readonly crashAt?: number;
}

/** An engine that can be killed and opened again on what is kept. */
export interface DurableWorld {
  /** Kills what is still open, and opens an engine: what was acknowledged by those before it is there. */
  open(options: OpenOptions): Promise<EngineUnderTest>;
  /** Kills the engine as it stands. */
  kill(): void;
  /** Resolves once the engine that was opened last is killed. */
  died(): Promise<void>;
}

/** Makes a new, empty world. `random` decides what of the unacknowledged a crash leaves. */
export type MakeDurableWorld = (options: {
  readonly clock: VirtualClock;
  readonly random: Random;
}) => DurableWorld;
