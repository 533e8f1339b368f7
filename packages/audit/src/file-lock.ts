import { open, readFile, unlink } from 'node:fs/promises';
import { HostError } from '@modelhost/kernel';

/** A lock that keeps other processes from writing. */
export interface FileLock {
  release(): Promise<void>;
}

/** Takes the lock file, or takes it over from a process that is dead. Throws `audit_unavailable` while another holds it. */
export async function lockFile(path: string): Promise<FileLock> {
  // The second try follows the removal of a dead process's lock; more would mean that somebody else is faster.
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    if (await tryCreate(path)) return { release: async () => unlink(path) };
    const holder = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
    if (isAlive(holder)) break;
    await unlink(path).catch(() => {});
  }
  throw new HostError(
    'audit_unavailable',
    `${path}: another process writes this audit file; stop it, or give this host its own data directory`,
  );
}

async function tryCreate(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false;
    throw new HostError('audit_unavailable', `${path}: the lock cannot be written`, { cause });
  }
}

function isAlive(processId: number): boolean {
  if (!Number.isInteger(processId) || processId <= 0) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (thrown) {
    // EPERM: it lives, but belongs to somebody else.
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
}
