/** What the disk itself can do at this moment. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { percentile } from '../figures.ts';

/** About what one write of the engine weighs. */
const record = Buffer.alloc(1_024, 7);

/** How fast records get to the disk when so many go there with one `fdatasync`. */
export interface Floor {
  readonly inFlight: number;
  readonly recordsPerSecond: number;
  readonly p50Ms: number;
}

/** Writes to a new file for a while. */
export function measureFloor(path: string, inFlight: number, durationMs: number): Floor {
  const group = Buffer.concat(Array.from({ length: inFlight }, () => record));
  const times: number[] = [];
  const file = openSync(path, 'w');
  const end = performance.now() + durationMs;
  for (let start = performance.now(); start < end; start = performance.now()) {
    writeSync(file, group);
    fdatasyncSync(file);
    times.push(performance.now() - start);
  }
  closeSync(file);
  const recordsPerSecond = (times.length * inFlight * 1_000) / durationMs;
  return { inFlight, recordsPerSecond, p50Ms: percentile(times, 0.5) };
}
