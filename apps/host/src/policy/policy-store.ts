import { chmod, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hash } from 'node:crypto';
import { HostError } from '@modelhost/kernel';
import { replaceFile, replaceSteps } from '../data-directory/replace-file.ts';
import type { ReplaceStep } from '../data-directory/replace-file.ts';
import { emptyState, filesOf, readState, writeState } from './policy-state.ts';
import type { PolicyState } from './policy-state.ts';

/** Between which steps a process may end. In this order; from `state-renamed` on the new state is the one in force. */
export const storeSteps: readonly StoreStep[] = [
  ...replaceSteps.map((step) => `file-${step}` as const),
  ...replaceSteps.map((step) => `state-${step}` as const),
  'swept',
];
export type StoreStep = `${'file' | 'state'}-${ReplaceStep}` | 'swept';

/** What was activated, kept across restarts. */
export interface PolicyStore {
  /** The state that is in force. */
  state(): PolicyState;
  /**
   * Makes the bytes durable under their SHA-256, in hex; a commit that does not need them removes them. Rejects, as `commit`
   * does, with `failed_precondition` when they cannot be written.
   */
  keep(bytes: Uint8Array): Promise<string>;
  /** Throws `storage_unavailable`, with the file and the remedy, when it is not there or not what it was. */
  read(sha256: string): Promise<Buffer>;
  /** Puts a state in the place of the one before, as a whole, and removes files that nothing needs any more. */
  commit(next: PolicyState): Promise<void>;
}

/** A bundle has at most 16 MiB. */
const fileBytesMax = 16_777_216;
const stateBytesMax = 67_108_864;

/**
 * Opens the store of a directory, which only its owner can read, and makes it where there is none. The directory has one
 * user at a time: one call of `keep` or `commit` follows the other. Throws `storage_unavailable` for a state that is missing
 * beside files, or that was changed: what it knew (which revisions may not come back) cannot be made up.
 */
export async function openPolicyStore(options: {
  readonly directory: string;
  /** Told after each step, for tests that end the process there. */
  readonly onStep?: (step: StoreStep) => void;
}): Promise<PolicyStore> {
  const { directory, onStep = () => {} } = options;
  const files = join(directory, 'files');
  const statePath = join(directory, 'state.json');
  await mkdir(files, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  let state = await loadState(statePath, files);

  async function commit(next: PolicyState): Promise<void> {
    await writing(directory, async () => commitTo(next));
  }

  async function commitTo(next: PolicyState): Promise<void> {
    await replaceFile(statePath, writeState(next), (step) => onStep(`state-${step}`));
    state = next;
    await sweep(files, filesOf(next));
    onStep('swept');
  }

  async function keep(bytes: Uint8Array): Promise<string> {
    const sha256 = hash('sha256', bytes, 'hex');
    await writing(files, async () => {
      await replaceFile(join(files, sha256), bytes, (step) => onStep(`file-${step}`));
    });
    return sha256;
  }

  async function read(sha256: string): Promise<Buffer> {
    const path = join(files, sha256);
    const bytes = await readBounded(path, fileBytesMax);
    if (bytes !== undefined && hash('sha256', bytes, 'hex') === sha256) return bytes;
    throw lost(path, bytes === undefined ? 'is missing' : 'was changed');
  }

  // From here on files without a state are a state that was lost.
  if (state === undefined) await commit(emptyState);
  return { state: () => state ?? emptyState, keep, read, commit };
}

async function loadState(path: string, files: string): Promise<PolicyState | undefined> {
  const bytes = await readBounded(path, stateBytesMax);
  if (bytes === undefined) {
    const names = await readdir(files);
    if (names.length === 0) return undefined;
    throw lost(path, 'is missing');
  }
  const state = readState(bytes.toString());
  if (state === undefined) throw lost(path, 'was changed');
  return state;
}

/** Nothing is made up in the place of what was lost: an older revision could come back then. */
function lost(path: string, how: string): HostError {
  return new HostError(
    'storage_unavailable',
    `${path}: ${how}; put the whole directory back from a backup, or run \`model-host storage accept-loss policy\` without this file to start afresh from policies.bundles, which forgets which revisions may not come back`,
    { facts: { reason: 'lost', part: 'policy' } },
  );
}

/** Undefined for a file that is not there. */
async function readBounded(path: string, bytesMax: number): Promise<Buffer | undefined> {
  try {
    const { size } = await stat(path);
    if (size <= bytesMax) return await readFile(path);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new HostError('storage_unavailable', `${path}: cannot be read; let the host read it`, {
      cause,
    });
  }
  throw lost(path, `has more than ${bytesMax} bytes`);
}

async function writing(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    const remedy = 'make room on the disk, and let the host write there';
    throw new HostError('failed_precondition', `${path}: cannot be written; ${remedy}`, { cause });
  }
}

/** The state is in force by now, so what cannot be removed is left for the next one. */
async function sweep(files: string, needed: ReadonlySet<string>): Promise<void> {
  try {
    for (const name of await readdir(files)) {
      if (!needed.has(name)) await rm(join(files, name), { force: true });
    }
  } catch {
    // Nobody is waiting for the room.
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
