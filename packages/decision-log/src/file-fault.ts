import { HostError } from '@modelhost/kernel';

/**
 * A thrown thing of SQLite or the file system as one of ours, with the remedy, and a fact `reason` where one is known. What is ours already
 * stays as it is.
 */
export function toFileFault(
  code: 'storage_unavailable' | 'internal',
  path: string,
  thrown: unknown,
): HostError {
  if (thrown instanceof HostError) return thrown;
  const problem = problems.get(codeOf(thrown));
  if (problem === undefined) {
    return new HostError(code, `${path}: ${unknown}`, { cause: thrown });
  }
  const { reason, text } = problem;
  return new HostError(code, `${path}: ${text}`, { cause: thrown, facts: { reason } });
}

/** The lower byte of SQLite's extended codes. */
const primaryCode = 0xff;

interface Problem {
  readonly reason: string;
  readonly text: string;
}

const unknown = 'the decision log cannot be used; the cause is in the log of the host';
const busy: Problem = {
  reason: 'locked',
  text: 'another process writes this decision log; stop it, or give this host its own data directory',
};
const notWritable: Problem = {
  reason: 'read_only',
  text: 'the decision log cannot be written here; give the host a data directory that it may write',
};
const damaged: Problem = {
  reason: 'corrupt',
  text: 'the decision log is damaged; move it away together with its -wal file, and run `model-host storage accept-loss decisions` to begin a new one',
};
const full: Problem = {
  reason: 'disk_full',
  text: 'the disk is full; make room, or lower the number of days or entries that are kept',
};
const failing: Problem = {
  reason: 'io_error',
  text: 'the disk or the directory for temporary files fails; see the log of the system',
};

/** By primary code of SQLite, or code of the system. */
const problems: ReadonlyMap<number | string, Problem> = new Map([
  ...[5, 6].map((code) => [code, busy] as const),
  ...[3, 8, 14].map((code) => [code, notWritable] as const),
  ...['EACCES', 'EEXIST', 'EISDIR', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS'].map(
    (code) => [code, notWritable] as const,
  ),
  ...[11, 26].map((code) => [code, damaged] as const),
  ...[13, 'EDQUOT', 'ENOSPC'].map((code) => [code, full] as const),
  ...[10, 'EIO'].map((code) => [code, failing] as const),
]);

function codeOf(thrown: unknown): number | string {
  if (!(thrown instanceof Error)) return '';
  if ('errcode' in thrown && typeof thrown.errcode === 'number') {
    return thrown.errcode & primaryCode;
  }
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}
