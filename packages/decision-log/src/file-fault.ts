import { HostError } from '@modelhost/kernel';

/** A thrown thing of SQLite or the file system as one of ours, with the remedy. What is ours already stays as it is. */
export function toFileFault(
  code: 'config_invalid' | 'internal',
  path: string,
  thrown: unknown,
): HostError {
  if (thrown instanceof HostError) return thrown;
  return new HostError(code, `${path}: ${problemOf(thrown)}`, { cause: thrown });
}

/** The lower byte of SQLite's extended codes. */
const primaryCode = 0xff;

const busy =
  'another process writes this decision log; stop it, or give this host its own data directory';
const notWritable =
  'the decision log cannot be written here; give the host a data directory that it may write';
const damaged =
  'the decision log is damaged; move it away together with its -wal file, and run `model-host storage accept-loss decisions` to begin a new one';
const full = 'the disk is full; make room, or lower the number of days or entries that are kept';
const failing = 'the disk or the directory for temporary files fails; see the log of the system';

/** By primary code of SQLite, or code of the system. */
const problems: ReadonlyMap<number | string, string> = new Map([
  ...[5, 6].map((code) => [code, busy] as const),
  ...[3, 8, 14].map((code) => [code, notWritable] as const),
  ...['EACCES', 'EEXIST', 'EISDIR', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS'].map(
    (code) => [code, notWritable] as const,
  ),
  ...[11, 26].map((code) => [code, damaged] as const),
  ...[13, 'EDQUOT', 'ENOSPC'].map((code) => [code, full] as const),
  ...[10, 'EIO'].map((code) => [code, failing] as const),
]);

function problemOf(thrown: unknown): string {
  return (
    problems.get(codeOf(thrown)) ??
    'the decision log cannot be used; the cause is in the log of the host'
  );
}

function codeOf(thrown: unknown): number | string {
  if (!(thrown instanceof Error)) return '';
  if ('errcode' in thrown && typeof thrown.errcode === 'number') {
    return thrown.errcode & primaryCode;
  }
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}
