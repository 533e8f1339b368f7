import { hash } from 'node:crypto';
import { HostError } from '@modelhost/kernel';
import { readTrustRoot } from '@modelhost/policy-bundle';
import type { TrustRoot } from '@modelhost/policy-bundle';
import { readConfiguredFile } from './configured-file.ts';
import type { PolicyStore } from './policy-store.ts';

/** Whose signatures count. */
export interface Trust {
  root(): TrustRoot;
  /**
   * Takes the configured file if it is another root than the one before. Whether it did. Throws `config_invalid` when it
   * cannot be read or does not follow from that one, which stays.
   */
  refresh(): Promise<boolean>;
}

/** What the trust root is read with. */
export interface TrustOptions {
  readonly path: string;
  /** Digest of its payload, in hex. */
  readonly pin: string | undefined;
  readonly store: PolicyStore;
  readonly now: () => number;
  /** Puts the taking of a root on record. */
  readonly onRecord: (root: TrustRoot, take: () => Promise<void>) => Promise<void>;
}

/** Begins with the root of the store, else with that of the file; a problem of the file alone is handed to `onProblem`. */
export async function openTrust(
  options: TrustOptions & { readonly onProblem: (message: string) => void },
): Promise<Trust> {
  const { path, pin, store, now, onRecord, onProblem } = options;
  const kept = store.state().trustRoot;
  let root = kept === undefined ? undefined : readTrustRoot(await store.read(kept));

  async function refresh(): Promise<boolean> {
    const bytes = await readConfiguredFile(path);
    if (hash('sha256', bytes, 'hex') === store.state().trustRoot) {
      readTrustRoot(bytes, undefined, { digest: pin });
      return false;
    }
    const next = readTrustRoot(bytes, root, { nowMs: now(), digest: pin });
    await onRecord(next, async () => {
      const trustRoot = await store.keep(bytes);
      await store.commit({ ...store.state(), trustRoot });
    });
    root = next;
    return true;
  }

  try {
    await refresh();
  } catch (thrown) {
    if (root === undefined || !(thrown instanceof HostError)) throw thrown;
    onProblem(thrown.message);
  }
  return {
    root: () => {
      if (root === undefined) throw new HostError('internal', 'there is no trust root');
      return root;
    },
    refresh,
  };
}
