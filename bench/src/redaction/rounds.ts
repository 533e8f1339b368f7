/** Times by the CPU of this thread, so that what others do on the machine counts little. */
import type { Redactor } from '@modelhost/redaction';
import { median, percentile } from '../figures.ts';
import type { Subject } from './subjects.ts';

/** What a subject took for a text of a size. */
export interface Row {
  readonly name: string;
  readonly size: number;
  /** Median over the rounds; NaN where it was not asked. */
  readonly cpuMs: number;
}

/** All subjects in turn, round after round. */
export function measureRounds(
  subjects: readonly Subject[],
  text: string,
  rounds: number,
): readonly Row[] {
  const asked = subjects.filter(({ sizeMax }) => text.length <= sizeMax);
  const times = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, redact } of asked) {
      const cpuMs = timeEach(() => redact(text));
      // The first round is for the compiler.
      if (round > 0) times.get(name)?.push(cpuMs);
    }
  }
  return [...times].map(([name, each]) => ({ name, size: text.length, cpuMs: median(each) }));
}

/** What texts do that are made to be slow. */
export interface Worst {
  readonly texts: number;
  readonly ms: number;
  readonly name: string;
  readonly exhausted: number;
  /** Texts out of which the planted value came through. */
  readonly leaks: number;
}

/** Redacts texts that are made to be slow, each with a value at its end that must not come through. */
export function measureWorst(
  redactor: Redactor,
  texts: Iterable<readonly [name: string, text: string]>,
  planted: string,
): Worst {
  const worst = { texts: 0, ms: 0, name: '', exhausted: 0, leaks: 0 };
  for (const [name, pumped] of texts) {
    const text = `${pumped}\n${planted}\n`;
    const redact = (): unknown => redactor.redact(text);
    const start = performance.now();
    const { text: left, isExhausted } = redactor.redact(text);
    const first = performance.now() - start;
    // Again when it was slow, by the CPU of this thread, since it may have been the machine.
    const ms = first > worst.ms ? Math.min(first, timeEach(redact)) : first;
    worst.texts += 1;
    worst.exhausted += isExhausted ? 1 : 0;
    worst.leaks += left.includes(planted) ? 1 : 0;
    if (ms > worst.ms) Object.assign(worst, { ms, name });
  }
  return worst;
}

/** What a stream holds back, in UTF-16 units after each chunk of four. */
export interface HoldBack {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  /** Median over the sentences: chunks that went in before something came out. */
  readonly firstOutputChunks: number;
}

/** Streams prose, and each of its sentences. */
export function measureHoldBack(redactor: Redactor, prose: string): HoldBack {
  const held: number[] = [];
  const stream = redactor.stream();
  for (let at = 0; at < prose.length; at += 4) {
    stream.push(prose.slice(at, at + 4));
    held.push(stream.held());
  }
  const sentences = prose.split('\n').filter((text) => text !== '');
  const at = (share: number): number => percentile(held, share);
  return {
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    max: Math.max(...held),
    firstOutputChunks: median(sentences.map((text) => firstOutput(redactor, text))),
  };
}

function firstOutput(redactor: Redactor, text: string): number {
  const stream = redactor.stream();
  for (let at = 0; at < text.length; at += 4) {
    if (stream.push(text.slice(at, at + 4)) !== '') return at / 4 + 1;
  }
  return text.length / 4;
}

/** By the CPU of the thread, whose clock is coarse: over as many calls as take long enough. */
function timeEach(work: () => unknown): number {
  // What the one before has left behind, in caches and to collect, is not counted.
  work();
  const before = process.threadCpuUsage();
  let calls = 0;
  let cpuMs = 0;
  for (; cpuMs < cpuMsMin; calls += 1) {
    work();
    const { user, system } = process.threadCpuUsage(before);
    cpuMs = (user + system) / 1_000;
  }
  return cpuMs / calls;
}

const cpuMsMin = 100;
