import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HostError, isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { Keys, Sealed } from '@modelhost/kernel';
import { keepBounded } from '../keep-bounded.ts';
import { replaceFile } from '../replace-file.ts';
import { keyOfOwner } from './token-store.ts';
import type { Grant, TokenStore } from './token-store.ts';

const purpose = 'mcp-grants';
const ownersMaxDefault = 4_096;

/**
 * Keeps grants in one file of this process, mode 0600. Each owner's are sealed for that owner, and the file does not say who
 * the owners are. Past `ownersMax` the one saved longest ago is forgotten. What does not open with the keys is as if it
 * were not there: its user authorizes the host again.
 */
export function createTokenFile(
  path: string,
  keys: Keys,
  ownersMax: number = ownersMaxDefault,
): TokenStore {
  let loading: Promise<Map<string, Sealed>> | undefined;
  let writing: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;

  function sealedGrants(): Promise<Map<string, Sealed>> {
    loading ??= readSealed(path).catch((cause: unknown) => {
      loading = undefined;
      throw cause;
    });
    return loading;
  }

  /** One write after the other, each of everything there is when it begins; who comes meanwhile shares the next. */
  async function write(all: ReadonlyMap<string, Sealed>): Promise<void> {
    waiting ??= writing.then(() => {
      waiting = undefined;
      const written = writeFile(path, toText(all));
      writing = written.catch(() => {});
      return written;
    });
    await waiting;
  }

  return {
    load: async (owner) => {
      const name = keyOfOwner(owner);
      const sealed = (await sealedGrants()).get(keys.commit(name, purpose));
      return sealed === undefined ? [] : openGrants(keys, sealed, name);
    },
    save: async (owner, grants) => {
      const all = await sealedGrants();
      const name = keyOfOwner(owner);
      const key = keys.commit(name, purpose);
      const value =
        grants.length === 0 ? undefined : keys.seal(JSON.stringify(grants), `${purpose}/${name}`);
      keepBounded(all, { key, value, entriesMax: ownersMax });
      await write(all);
    },
  };
}

function openGrants(keys: Keys, sealed: Sealed, name: string): readonly Grant[] {
  let text;
  try {
    text = keys.unseal(sealed, `${purpose}/${name}`);
  } catch {
    return [];
  }
  // The text was written by `save` above, and the seal shows that nobody has changed it.
  return parseJsonText(text) as unknown as readonly Grant[];
}

async function writeFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await replaceFile(path, text);
}

function toText(all: ReadonlyMap<string, Sealed>): string {
  return `${JSON.stringify({ version: 1, owners: Object.fromEntries(all) })}\n`;
}

async function readSealed(path: string): Promise<Map<string, Sealed>> {
  let text;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return new Map();
    const message = `${path}: the file of authorizations cannot be read; it has to be a file that the host may read`;
    throw new HostError('storage_unavailable', message, { cause });
  }
  try {
    return readOwners(parseJsonText(text));
  } catch (cause) {
    throw damaged(path, cause);
  }
}

function readOwners(value: unknown): Map<string, Sealed> {
  const owners = isJsonObject(value) && value['version'] === 1 ? value['owners'] : undefined;
  if (!isJsonObject(owners)) throw new TypeError('it is not of version 1');
  return new Map(
    Object.entries(owners).map(([owner, sealed]) => {
      const { keyId, data } = isJsonObject(sealed) ? sealed : {};
      if (typeof keyId !== 'string' || typeof data !== 'string') throw new TypeError(owner);
      return [owner, { keyId, data }];
    }),
  );
}

/** Never overwritten by us: whoever broke it may still want what is in it. */
function damaged(path: string, cause: unknown): HostError {
  const message = `${path}: the file of authorizations is damaged; move it away to start anew`;
  return new HostError('storage_unavailable', message, { cause, facts: { reason: 'corrupt' } });
}
