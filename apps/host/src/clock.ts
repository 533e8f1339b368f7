import { randomFillSync } from 'node:crypto';
import type { Clock, Ids } from '@modelhost/kernel';

/** The longest delay that a timer of the platform takes; a longer one fires at once. */
const platformDelayMsMax = 2 ** 31 - 1;
const idLength = 26;
const digits = '0123456789abcdefghijklmnopqrstuv';
const idsAtOnce = 64;

/** The clock of the machine. Its timers keep the process alive, as what waits for them does. */
export function createSystemClock(): Clock {
  function setTimer(delayMs: number, callback: () => void): () => void {
    let timer: NodeJS.Timeout;
    function wait(leftMs: number): void {
      const delay = Math.min(leftMs, platformDelayMsMax);
      timer = setTimeout(() => (leftMs > delay ? wait(leftMs - delay) : callback()), delay);
    }
    wait(Math.max(0, delayMs));
    return () => clearTimeout(timer);
  }
  return { now: () => Date.now(), setTimer };
}

/** Random ids of 26 characters, 130 bits. */
export function createRandomIds(): Ids {
  // Made many at a time: to ask for the bytes of each takes longer than the rest of it.
  const pool = Buffer.alloc(idLength * idsAtOnce);
  let at = pool.length;

  function create(prefix: string): string {
    if (at === pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    const end = at + idLength;
    let id = `${prefix}_`;
    // Five bits of each byte, so that every digit is as likely.
    for (; at < end; at += 1) id += digits.charAt((pool[at] ?? 0) % digits.length);
    return id;
  }

  return { create };
}

/** The 26 last digits of bytes in base 36. */
export function toBase36(bytes: Uint8Array): string {
  const number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  return number.toString(36).padStart(idLength, '0').slice(-idLength);
}
