import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HostError } from '@modelhost/kernel';
import type { Keys } from '@modelhost/kernel';
import { createKeys, keyBytes } from './sealing.ts';

/** Where the master key comes from. */
export interface KeySource {
  /** File with the key in base64; made with a new key, mode 0600, when there is none. */
  readonly path: string;
  /** The key in base64, where the environment gives it; then the file is not touched. */
  readonly environmentValue: string | undefined;
}

/**
 * The keys of this host. Two processes that start at once on an empty directory end up with the same key. Throws
 * `storage_unavailable` with the remedy for a file that is damaged, and `config_invalid` for one that others can read and for a
 * key of the environment that has the wrong form.
 */
export async function loadKeys(source: KeySource): Promise<Keys> {
  const { path } = source;
  return (await findKeys(source)) ?? openKey(path, await writeNew(path));
}

/** As `loadKeys`, for whoever only reads: no key is made, and there are no keys where there is none. */
export async function findKeys({ path, environmentValue }: KeySource): Promise<Keys | undefined> {
  if (environmentValue !== undefined) {
    const key = readMasterKey(environmentValue);
    if (key !== undefined) return createKeys(key);
    throw new HostError(
      'config_invalid',
      `the master key in the environment: must be ${keyBytes} bytes in base64, such as \`openssl rand -base64 ${keyBytes}\` makes for a new host`,
    );
  }
  const text = await readIfThere(path);
  return text === undefined ? undefined : openKey(path, text);
}

async function openKey(path: string, text: string): Promise<Keys> {
  await refuseIfShared(path);
  const key = readMasterKey(text);
  if (key !== undefined) return createKeys(key);
  // No word of how a key is made: a new one in its place would open nothing of what is there.
  throw new HostError(
    'storage_unavailable',
    `${path}: the master key is damaged; what is kept opens with the one that was there and no other, so put that back from where you keep it. A key is ${keyBytes} bytes in base64`,
    { facts: { reason: 'corrupt', part: 'keys' } },
  );
}

/** Undefined for a text that is no key. */
function readMasterKey(text: string): Buffer | undefined {
  const trimmed = text.trim();
  const key = Buffer.from(trimmed, 'base64');
  return key.length === keyBytes && key.toString('base64') === trimmed ? key : undefined;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return undefined;
    throw new HostError(
      'storage_unavailable',
      `${path}: the master key cannot be read; it has to be a file that the host may read`,
      { cause },
    );
  }
}

/** Writes a new key beside the path and links it there, so that nobody ever reads half a key. */
async function writeNew(path: string): Promise<string> {
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${randomBytes(keyBytes).toString('base64')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    try {
      await link(draft, path);
    } catch (cause) {
      // Another process was first: its key counts.
      if (!isSystemError(cause, 'EEXIST')) throw cause;
    } finally {
      await unlink(draft);
    }
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new HostError('storage_unavailable', `${path}: a new master key cannot be written`, {
      cause,
    });
  }
}

async function refuseIfShared(path: string): Promise<void> {
  // Windows has no such mode; there the directory's own rights protect the file.
  if (process.platform === 'win32') return;
  const { mode } = await stat(path);
  if ((mode & 0o077) === 0) return;
  throw new HostError(
    'config_invalid',
    `${path}: others can read the master key; run \`chmod 600 ${path}\``,
  );
}

function isSystemError(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}
