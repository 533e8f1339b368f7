import { deserialize, serialize } from 'node:v8';
import { HostError, toErrorData } from '@modelhost/kernel';
import type { ErrorData } from '@modelhost/kernel';
import { isDatabaseDamage } from '../fault.ts';
import type { TableReads, TableWrites } from '../tables.ts';

/** What a thread can be asked, by name: a function of one argument. Arguments and results are plain data and bytes. */
export type Operations = Readonly<Record<string, (argument: never) => unknown>>;

/** One question to a thread. */
export interface Call {
  /** From 1; calls are answered in this order. */
  readonly number: number;
  readonly name: string;
  readonly argument: unknown;
  /** What it changes: after a failed call, those of the same subject that were sent without knowing are refused too. */
  readonly subject: string | undefined;
  /** Number of the last call whose answer had arrived when this one was made. */
  readonly answered: number;
}

/** A fault as it passes between threads. */
export type ThreadFault = ErrorData & { readonly detail: string };

/** What became of a call. */
export type Answer =
  | { readonly number: number; readonly result: unknown }
  | {
      readonly number: number;
      readonly fault: ThreadFault;
      /** The database itself is damaged, and not only where a few runs lie. */
      readonly isDamage: boolean;
    };

/** As one piece of memory that belongs to nobody else, so that it is handed over and not copied again. */
export function pack(message: readonly Call[] | readonly Answer[]): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = serialize(message);
  if (byteOffset === 0 && byteLength === buffer.byteLength) return buffer;
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

/** Of what `pack` gave on the other side. */
export function unpackCalls(message: ArrayBuffer): readonly Call[] {
  // Only our own threads are on the other side.
  return deserialize(new Uint8Array(message)) as readonly Call[];
}

/** Of what `pack` gave on the other side. */
export function unpackAnswers(message: ArrayBuffer): readonly Answer[] {
  // Only our own threads are on the other side.
  return deserialize(new Uint8Array(message)) as readonly Answer[];
}

/** The answer to a call that failed. */
export function refuse({ number, name }: Call, fault: HostError): Answer {
  const isDamage = isDatabaseDamage(fault) && !callsOfFewRuns.has(name);
  return { number, fault: toThreadFault(fault), isDamage };
}

/** What these do not find is missed by the runs that they look into, and by nobody else. */
const callsOfFewRuns: ReadonlySet<string> = new Set<keyof TableReads | keyof TableWrites>([
  'readRun',
  'readEvents',
  'readTurns',
  'removeRuns',
  'removeEvents',
]);

/** Of one of our errors. */
export function toThreadFault(thrown: HostError): ThreadFault {
  const { cause } = thrown;
  return { ...toErrorData(thrown), detail: cause instanceof Error ? cause.message : '' };
}

/** The error again, with what the other thread knew of its cause. */
export function fromThreadFault({ detail, ...data }: ThreadFault): HostError {
  return new HostError(data.code, data.message, {
    facts: data.facts,
    ...(data.retryAfterMs !== undefined && { retryAfterMs: data.retryAfterMs }),
    ...(detail !== '' && { cause: new Error(detail) }),
  });
}
