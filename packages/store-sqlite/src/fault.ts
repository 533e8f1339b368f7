import { HostError } from '@modelhost/kernel';

/** Why storage is unavailable: the fact `reason` of the error. */
export type StorageReason =
  | 'altered'
  | 'closed'
  | 'corrupt'
  | 'disk_full'
  | 'fenced'
  | 'foreign'
  | 'io_error'
  | 'locked'
  | 'lost'
  | 'missing'
  | 'newer'
  | 'not_empty'
  | 'read_only'
  | 'thread_ended'
  | 'too_large'
  | 'unusable';

/** The one error of this package for its callers; the message names the remedy. */
export function storageFault(reason: StorageReason, message: string, cause?: unknown): HostError {
  return new HostError('storage_unavailable', message, { cause, facts: { reason } });
}

/** A thrown thing of SQLite or the file system as one of ours, with the remedy. What is ours already stays as it is. */
export function toStorageFault(thrown: unknown, place?: string): HostError {
  if (thrown instanceof HostError) return thrown;
  const reason = reasons.get(codeOf(thrown)) ?? 'unusable';
  const prefix = place === undefined ? '' : `${place}: `;
  return storageFault(reason, `${prefix}${remedies[reason]}`, thrown);
}

/** Whether SQLite found its file damaged; what is kept in a sound file may still not be what was written. */
export function isDatabaseDamage({ cause }: HostError): boolean {
  return isCorrupt(cause);
}

/** The same of what SQLite has thrown. */
export function isCorrupt(thrown: unknown): boolean {
  return reasons.get(codeOf(thrown)) === 'corrupt';
}

type ForeignReason =
  | 'corrupt'
  | 'disk_full'
  | 'io_error'
  | 'locked'
  | 'missing'
  | 'read_only'
  | 'unusable';

/** Of a database that is damaged. */
export const restoreRemedy =
  'stop the host, move its directory away, and restore a backup in its place';

const remedies: Readonly<Record<ForeignReason, string>> = {
  corrupt: `the database is damaged; ${restoreRemedy}`,
  disk_full:
    'there is no room left for runs; make room on the disk, or keep runs for a shorter time',
  io_error: 'the disk fails; see the log of the system',
  locked: 'another process uses the database; stop it, or give this host its own data directory',
  missing: 'there is no such file or directory; create it, or correct the path',
  read_only: 'the database cannot be written; give the host a data directory that it may write',
  unusable: 'the database cannot be used; the cause is in the log of the host',
};

/** By primary code of SQLite, or code of the system. */
const reasons: ReadonlyMap<number | string, ForeignReason> = new Map<
  number | string,
  ForeignReason
>([
  [3, 'read_only'],
  [5, 'locked'],
  [6, 'locked'],
  [8, 'read_only'],
  [10, 'io_error'],
  [11, 'corrupt'],
  [13, 'disk_full'],
  [14, 'read_only'],
  [26, 'corrupt'],
  ['EACCES', 'read_only'],
  ['EDQUOT', 'disk_full'],
  ['EEXIST', 'missing'],
  ['EIO', 'io_error'],
  ['EISDIR', 'read_only'],
  ['ENOENT', 'missing'],
  ['ENOSPC', 'disk_full'],
  ['ENOTDIR', 'missing'],
  ['EPERM', 'read_only'],
  ['EROFS', 'read_only'],
]);

/** The lower byte of SQLite's extended codes. */
const primaryCode = 0xff;

function codeOf(thrown: unknown): number | string {
  if (!(thrown instanceof Error)) return '';
  if ('errcode' in thrown && typeof thrown.errcode === 'number')
    return thrown.errcode & primaryCode;
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}
