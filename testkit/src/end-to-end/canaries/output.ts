import { ModelHostError } from '@modelhost/sdk';
import type { Output } from './search.ts';

/** A value as everything that it says. */
export function toOutput(name: string, value: unknown): Output {
  return { name, bytes: Buffer.from(JSON.stringify(value, sayAll) ?? '') };
}

/** What a call answers, or fails with. */
export async function outputOf(name: string, call: () => Promise<unknown>): Promise<Output> {
  try {
    return toOutput(name, await call());
  } catch (thrown) {
    if (!(thrown instanceof ModelHostError)) throw thrown;
    const { message, code, facts, violations } = thrown;
    return toOutput(name, { message, code, facts, violations });
  }
}

function sayAll(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
}
