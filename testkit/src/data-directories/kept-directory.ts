import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunEndReason } from '@modelhost/contracts';
import { gunzipSync, gzipSync } from 'node:zlib';

/** What a kept data directory has in it. */
export interface Account {
  /** Of the host that wrote it. */
  readonly version: string;
  readonly writtenAtMs: number;
  readonly runs: readonly KeptRun[];
  /** With a turn for each of the runs `first` and `second`. */
  readonly sessionId: string;
  readonly auditRecords: number;
}

/** One run of it. */
export interface KeptRun {
  readonly story: 'approved' | 'cancelled' | 'first' | 'second' | 'parked';
  readonly runId: string;
  /** That were shown. */
  readonly events: number;
  /** Why it ended; `UNSPECIFIED` for a run that waits. */
  readonly reason: RunEndReason;
  readonly answer: string;
}

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const namePattern = /^data-\d/;

/** Of all that are kept. */
export async function listKept(): Promise<readonly string[]> {
  return (await readdir(fixtures)).filter((name) => namePattern.test(name)).sort();
}

/** Puts a data directory beside those that are kept, in place of an earlier one of the version. Gives the bytes that it takes. */
export async function keep(dataDirectory: string, account: Account): Promise<number> {
  const place = join(fixtures, `data-${account.version}`);
  const entries = await readdir(dataDirectory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(dataDirectory, join(parentPath, name)));
  const files = await Promise.all(
    paths
      .sort()
      .map(async (path) => [path, await readFile(join(dataDirectory, path), 'base64')] as const),
  );
  await mkdir(place, { recursive: true });
  const packed = join(place, 'files.json.gz');
  await writeFile(packed, gzipSync(JSON.stringify(Object.fromEntries(files)), { level: 9 }));
  await writeFile(join(place, 'about.json'), `${JSON.stringify(account, null, 2)}\n`);
  return (await stat(packed)).size;
}

/** Lays the files of a kept directory out in a new one, as only their owner may read them. */
export async function layOut(name: string, dataDirectory: string): Promise<Account> {
  const place = join(fixtures, name);
  const text = gunzipSync(await readFile(join(place, 'files.json.gz'))).toString();
  // Both files are ours.
  const files = JSON.parse(text) as Readonly<Record<string, string>>;
  for (const [path, content] of Object.entries(files)) {
    const target = join(dataDirectory, path);
    /* oxlint-disable no-await-in-loop -- few and small */
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await writeFile(target, content, { encoding: 'base64', mode: 0o600 });
    /* oxlint-enable no-await-in-loop */
  }
  return JSON.parse(await readFile(join(place, 'about.json'), 'utf8')) as Account;
}
