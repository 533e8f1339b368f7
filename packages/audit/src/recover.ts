import { open, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { HostError } from '@modelhost/kernel';
import type { AuditReceipt } from '@modelhost/kernel';
import { lineBytesMax, readLine } from './entry.ts';
import { readHead } from './head.ts';

/**
 * Finds the last entry of a file, so that the chain can go on. A line that a crash cut short is put aside in
 * `<path>.torn-<index>` and taken off the file: nobody was ever told that it was durable. Throws `audit_unavailable`
 * for a file whose end is damaged in another way, or that lost entries since it was closed.
 */
export async function recoverTail(path: string): Promise<AuditReceipt | undefined> {
  const file = await open(path, 'a+', 0o600).catch((cause: unknown) => {
    throw new HostError('audit_unavailable', `${path}: the audit file cannot be opened`, { cause });
  });
  try {
    const last = await readEnd(file, path);
    const noted = await readHead(path);
    if (noted !== undefined && noted.index > (last?.index ?? -1)) {
      throw damaged(path, `the entries up to ${noted.index} were there when it was closed`);
    }
    return last;
  } finally {
    await file.close();
  }
}

async function readEnd(file: FileHandle, path: string): Promise<AuditReceipt | undefined> {
  const { size } = await file.stat();
  // One torn line and one whole line before it, at their longest.
  const length = Math.min(size, 2 * lineBytesMax + 2);
  const end = Buffer.alloc(length);
  await file.read(end, 0, length, size - length);
  const lastNewline = end.lastIndexOf(0x0a);
  const torn = end.subarray(lastNewline + 1);
  if (lastNewline < 0 && size > torn.length) throw damaged(path, 'its end is no line of ours');
  const before = end.subarray(0, Math.max(lastNewline, 0));
  const line = before.subarray(before.lastIndexOf(0x0a) + 1).toString('utf8');
  const last = line === '' ? undefined : readEntry(path, line);
  if (torn.length > 0) {
    await writeFile(`${path}.torn-${(last?.index ?? -1) + 1}`, torn, { mode: 0o600 });
    await file.truncate(size - torn.length);
    await file.datasync();
  }
  return last;
}

function readEntry(path: string, line: string): AuditReceipt {
  const reading = readLine(line);
  if (reading.kind === 'problem')
    throw damaged(path, `its last entry is damaged (${reading.problem})`);
  return { index: reading.index, hash: reading.hash };
}

function damaged(path: string, what: string): HostError {
  return new HostError(
    'audit_unavailable',
    `${path}: ${what}; look with \`model-host audit verify ${path}\`, keep the file elsewhere, and run \`model-host storage accept-loss audit\``,
  );
}
