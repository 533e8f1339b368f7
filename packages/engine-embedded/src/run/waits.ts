import { HostError } from '@modelhost/kernel';
import type { Clock, PendingSignal, SignalPayload } from '@modelhost/kernel';
import type { Handover, KeptWait } from '../journal/frame.ts';
import type { WaitAsk } from './ask.ts';

/** What one run waits for, and the signals that came before somebody waited. */
export interface Waits {
  /**
   * Takes a place for a signal that is about to be kept, so that its wait does not end meanwhile. False when one of this
   * name came before, and when its wait is past its deadline, which ends it. Throws `overloaded` past the bound. Then comes `arrive`,
   * or `forget` when it was not kept.
   */
  expect(name: string): boolean;
  arrive(name: string, payload: SignalPayload): void;
  forget(name: string): void;
  /** The program waits; `kept` since when and for how long, when that is journaled already. Gives what is to be journaled. */
  begin(ask: WaitAsk, kept: KeptWait | undefined): KeptWait | undefined;
  /** Whether the program waits under this name, and was not answered. */
  isOpen(name: string): boolean;
  /** Whether something is on its way in. */
  isExpecting(): boolean;
  /** Signals that are waited for, oldest first. */
  pending(): readonly PendingSignal[];
  /** How many waits are not answered. */
  count(): number;
  /** The first deadline, and the newest beginning, of those; Infinity and 0 without any. */
  times(): { readonly dueMs: number; readonly sinceMs: number };
  /** Ends every wait and takes nothing more. */
  close(): void;
}

interface Wait {
  readonly kept: KeptWait;
  /** Undefined for a sleep. */
  readonly pending: PendingSignal | undefined;
  readonly cancelTimer: () => void;
}

/** `bufferedMax` bounds the signals that nobody waits for yet; `ready` gets the end of each wait, once. */
export function createWaits(options: {
  readonly clock: Clock;
  readonly bufferedMax: number;
  readonly ready: (handover: Handover) => void;
}): Waits {
  const { clock, bufferedMax, ready } = options;
  const buffered = new Map<string, SignalPayload>();
  const expected = new Set<string>();
  const waits = new Map<string, Wait>();
  let isClosed = false;

  function expect(name: string): boolean {
    if (isClosed || expected.has(name) || buffered.has(name) || endIfDue(name)) return false;
    if (!waits.has(name)) refuseIfFull(buffered.size + expected.size, bufferedMax);
    expected.add(name);
    return true;
  }

  function arrive(name: string, payload: SignalPayload): void {
    expected.delete(name);
    if (isClosed) return;
    if (waits.get(name)?.pending === undefined) buffered.set(name, payload);
    else end({ kind: 'signal', name, payload });
  }

  /** Its timer is late where the clock has jumped, as after a suspend. */
  function endIfDue(name: string): boolean {
    const isDue = (waits.get(name)?.kept.deadlineMs ?? Infinity) <= clock.now();
    if (isDue) end({ kind: 'due', name });
    return isDue;
  }

  function end(handover: Extract<Handover, { kind: 'signal' | 'due' }>): void {
    waits.get(handover.name)?.cancelTimer();
    waits.delete(handover.name);
    ready(handover);
  }

  function begin(ask: WaitAsk, keptBefore: KeptWait | undefined): KeptWait | undefined {
    const { name, shown } = ask;
    const early = shown === undefined ? undefined : buffered.get(name);
    if (early !== undefined) {
      buffered.delete(name);
      ready({ kind: 'signal', name, payload: early });
      return undefined;
    }
    const kept = keptBefore ?? keptOf(ask, clock.now());
    const cancelTimer = clock.setTimer(Math.max(0, kept.deadlineMs - clock.now()), () => {
      // A signal that is being kept comes before the deadline.
      if (!expected.has(name)) end({ kind: 'due', name });
    });
    const pending = shown === undefined ? undefined : { name, sinceMs: kept.sinceMs, ...shown };
    waits.set(name, { kept, pending, cancelTimer });
    return keptBefore === undefined ? kept : undefined;
  }

  function close(): void {
    isClosed = true;
    for (const { cancelTimer } of waits.values()) cancelTimer();
    waits.clear();
    buffered.clear();
  }

  return {
    expect,
    arrive,
    forget: (name) => {
      expected.delete(name);
      endIfDue(name);
    },
    begin,
    isOpen: (name) => waits.has(name),
    isExpecting: () => expected.size > 0,
    pending: () => Array.from(waits.values()).flatMap(({ pending }) => pending ?? []),
    count: () => waits.size,
    times: () => timesOf(Array.from(waits.values(), ({ kept }) => kept)),
    close,
  };
}

function refuseIfFull(signals: number, bufferedMax: number): void {
  if (signals < bufferedMax) return;
  throw new HostError('overloaded', `${bufferedMax} signals wait to be used`, {
    facts: { signals_buffered_max: String(bufferedMax) },
    retryAfterMs: 1_000,
  });
}

function timesOf(kept: readonly KeptWait[]): ReturnType<Waits['times']> {
  return {
    dueMs: Math.min(...kept.map(({ deadlineMs }) => deadlineMs)),
    sinceMs: Math.max(0, ...kept.map(({ sinceMs }) => sinceMs)),
  };
}

function keptOf({ name, until }: WaitAsk, nowMs: number): KeptWait {
  const deadlineMs = 'atMs' in until ? until.atMs : nowMs + until.timeoutMs;
  return { name, sinceMs: nowMs, deadlineMs };
}
