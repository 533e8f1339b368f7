import { readFile, stat } from 'node:fs/promises';
import { HostError } from '@modelhost/kernel';
import { replaceFile } from '../replace-file.ts';
import { readPinRecords } from './pin-reader.ts';
import type { PinRecords, PinStore } from './pin-records.ts';

const bytesMax = 67_108_864;
const noPins: PinRecords = { servers: {} };

/**
 * Pins in one JSON file that only its owner can read, and that is always a whole one. The directory has to exist; the
 * file has one user at a time.
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
    throw new HostError('storage_unavailable', `${path}: the pins cannot be read`, { cause });
  }
  throw new HostError('storage_unavailable', `${path}: the pins have more than ${bytesMax} bytes`);
}

async function write(path: string, records: PinRecords): Promise<void> {
  const text = `${JSON.stringify({ format: 'modelhost-pins', version: 1, ...records })}\n`;
  if (Buffer.byteLength(text) > bytesMax) {
    throw new HostError('failed_precondition', `the pins would have more than ${bytesMax} bytes`);
  }
  await replaceFile(path, text);
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
