import { randomBytes } from 'node:crypto';
import type { Clock, Ids } from '@modelhost/kernel';

/** The longest delay that a timer of the platform takes; a longer one fires at once. */
const platformDelayMsMax = 2 ** 31 - 1;
const idLength = 26;

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

/** Random ids of 26 characters, about 134 bits. */
export function createRandomIds(): Ids {
  return {
    create: (prefix) => `${prefix}_${toBase36(randomBytes(20))}`,
  };
}

/** The 26 last digits of bytes in base 36. */
export function toBase36(bytes: Uint8Array): string {
  const number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  return number.toString(36).padStart(idLength, '0').slice(-idLength);
}
