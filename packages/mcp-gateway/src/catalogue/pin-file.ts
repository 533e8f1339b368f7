import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HostError } from '@modelhost/kernel';
import { readPinRecords } from './pin-reader.ts';
import type { PinRecords, PinStore } from './pin-records.ts';

const bytesMax = 67_108_864;
const noPins: PinRecords = { servers: {} };

/**
 * Pins in one JSON file that only its owner can read. Saving writes a new file beside it and then puts it in its place,
 * so that the file is always a whole one. The directory has to exist; the file has one user at a time.
 */
export function createPinFile(path: string): PinStore {
  let last: Promise<unknown> = Promise.resolve();

  async function load(): Promise<PinRecords> {
    const text = await readText(path);
    return text === undefined ? noPins : readPinRecords(text, path);
  }

  async function save(records: PinRecords): Promise<void> {
    const turn = last.then(() => write(path, records));
    last = turn.catch(() => {});
    await turn;
  }

  return { load, save };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size <= bytesMax) return await readFile(path, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new HostError('config_invalid', `${path}: the pins cannot be read`, { cause });
  }
  throw new HostError('config_invalid', `${path}: the pins have more than ${bytesMax} bytes`);
}

async function write(path: string, records: PinRecords): Promise<void> {
  const text = `${JSON.stringify({ format: 'modelhost-pins', version: 1, ...records })}\n`;
  if (Buffer.byteLength(text) > bytesMax) {
    throw new HostError('failed_precondition', `the pins would have more than ${bytesMax} bytes`);
  }
  const beside = `${path}.new`;
  // One that a crash left may have other rights.
  await rm(beside, { force: true });
  const file = await open(beside, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  await syncDirectory(dirname(path));
}

/** Makes the new name durable. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
