import { HostError } from '@modelhost/kernel';
import { makeDataDirectory } from '../data-directory/make-data-directory.ts';

/** How many causes of an error are looked at. */
const causesMax = 8;

type Reason = 'disk_full' | 'locked' | 'read_only';

const remedies: Readonly<Record<Reason, string>> = {
  disk_full:
    'there is no room left on this disk; make room there, or set server.dataDirectory to another one',
  locked:
    'another host uses this data directory; stop it, or give this host its own with server.dataDirectory',
  read_only:
    'this directory cannot be written; let the host write there, or set server.dataDirectory to another one',
};

/** Opens what works on a data directory, which is made where there is none. What fails is told as `toStartFault` tells it. */
export async function openOnData<Opened>(
  dataDirectory: string,
  open: () => Promise<Opened>,
): Promise<Opened> {
  // It says itself which of the directories above cannot be made.
  await makeDataDirectory(dataDirectory);
  try {
    return await open();
  } catch (thrown) {
    throw toStartFault(thrown, dataDirectory);
  }
}

/**
 * Why a host does not start, as `storage_unavailable` with the directory and the remedy where its disk is full or cannot be written, or
 * another host has it; anything else as it is. What came up while the rest was closed again is not the reason.
 */
export function toStartFault(given: unknown, dataDirectory: string): unknown {
  let thrown = given;
  for (let depth = 0; depth < causesMax && thrown instanceof SuppressedError; depth += 1) {
    thrown = thrown.suppressed;
  }
  if (isToldAlready(thrown)) return nameDamaged(thrown, dataDirectory);
  let cause: unknown = thrown;
  for (let depth = 0; depth < causesMax && cause instanceof Error; depth += 1) {
    const reason = reasonOf(cause, dataDirectory);
    if (reason !== undefined) {
      const message = `${dataDirectory}: ${remedies[reason]}`;
      return new HostError('storage_unavailable', message, { cause: thrown, facts: { reason } });
    }
    ({ cause } = cause);
  }
  return thrown;
}

/** Whoever reads the first runs does not know where they lie. */
function nameDamaged(fault: HostError, dataDirectory: string): HostError {
  const { code, message, facts } = fault;
  if (facts['reason'] !== 'corrupt' || message.includes(dataDirectory)) return fault;
  return new HostError(code, `${dataDirectory}: ${message}`, { facts, cause: fault });
}

/** A fault of one file that has nothing to do with the whole directory. */
function isToldAlready(thrown: unknown): thrown is HostError {
  return (
    thrown instanceof HostError &&
    thrown.code === 'storage_unavailable' &&
    reasonOfFacts(thrown) === undefined
  );
}

const reasons: readonly Reason[] = ['disk_full', 'locked', 'read_only'];
/** SQLite's codes, of which the lower byte counts; only the databases of the data directory are opened at a start. */
const sqliteReasons: ReadonlyMap<number, Reason> = new Map([
  [8, 'read_only'],
  [13, 'disk_full'],
  [14, 'read_only'],
]);
const fullCodes: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);
const readOnlyCodes: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EROFS']);

function reasonOf(fault: Error, dataDirectory: string): Reason | undefined {
  if (fault instanceof HostError) return reasonOfFacts(fault);
  if ('errcode' in fault && typeof fault.errcode === 'number') {
    return sqliteReasons.get(fault.errcode & 0xff);
  }
  if (!('code' in fault)) return undefined;
  if (fullCodes.has(fault.code)) return 'disk_full';
  // Other files that a start needs, such as policies, may be out of reach as well.
  const isWithin = 'path' in fault && String(fault.path).startsWith(dataDirectory);
  return isWithin && readOnlyCodes.has(fault.code) ? 'read_only' : undefined;
}

function reasonOfFacts({ facts: { reason } }: HostError): Reason | undefined {
  return reasons.find((one) => one === reason);
}
