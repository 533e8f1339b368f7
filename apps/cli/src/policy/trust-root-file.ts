import { HostError } from '@modelhost/kernel';
import { readTrustRoot } from '@modelhost/policy-bundle';
import type { TrustRoot } from '@modelhost/policy-bundle';
import { CommandError, exitCodes } from '../failure.ts';
import { readNamedFile } from '../named-files.ts';

/** Reads a trust root that a person named; with a time, one that is over by then is refused. */
export async function readTrustRootFile(path: string, nowMs?: number): Promise<TrustRoot> {
  const bytes = await readNamedFile(path);
  try {
    return readTrustRoot(bytes, undefined, { nowMs });
  } catch (thrown) {
    if (!(thrown instanceof HostError)) throw thrown;
    throw new CommandError(exitCodes.failure, `${path}: ${thrown.message}`);
  }
}
