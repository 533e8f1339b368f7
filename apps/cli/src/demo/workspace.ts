import { cp, mkdir, mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError, exitCodes } from '../failure.ts';

/** The folders of one demo. */
export interface Workspace {
  /** What the agent reads and writes. */
  readonly files: string;
  /** What the host keeps: the audit file and the master key. */
  readonly data: string;
  /** Holds everything that the demo made. */
  readonly root: string;
  /** Removes everything that the demo made; never a folder that was given to it. */
  remove(): Promise<void>;
}

/** Makes a temporary folder; the agent works in `given`, or in a copy of `examples`. */
export async function createWorkspace(
  given: string | undefined,
  examples: string,
): Promise<Workspace> {
  const own = given === undefined ? undefined : await readFolder(given);
  // Tool servers compare real paths, and the temporary folder of some systems is a link.
  const root = await realpath(await mkdtemp(join(tmpdir(), 'model-host-demo-')));
  const data = join(root, 'data');
  await mkdir(data, { mode: 0o700 });
  const files = own ?? join(root, 'files');
  if (own === undefined) await cp(examples, files, { recursive: true });
  return { files, data, root, remove: async () => rm(root, { recursive: true, force: true }) };
}

/** The real path of a folder that a flag names. */
export async function readFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new CommandError(exitCodes.usage, `${path}: there is no such folder`, 'name one that is');
  }
  return realpath(path);
}

const filesMax = 10_000;

/** When and how large each file under a folder is, at most 10,000 of them; what cannot be looked at is not in it. */
export async function takeInventory(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).slice(0, filesMax);
  const marks = new Map<string, string>();
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name);
    // A file that is gone by now, or whose name is no UTF-8, cannot be found by its name.
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined) marks.set(path, `${found.mtimeMs} ${found.size}`);
  }
  return marks;
}

const reportsMax = 1_000;

/** The first of report.md, report-2.md and so on that is not in the folder, so that nothing of the user is replaced. */
export async function freeReportName(folder: string): Promise<string> {
  const taken = new Set((await readdir(folder)).map((name) => name.toLowerCase()));
  for (let number = 1; number <= reportsMax; number += 1) {
    const name = number === 1 ? 'report.md' : `report-${number}.md`;
    if (!taken.has(name)) return name;
  }
  throw new CommandError(
    exitCodes.usage,
    `${folder}: every name up to report-${reportsMax}.md is taken`,
    'name another folder with --dir, or say in --task where to write',
  );
}

/** Files that are new or were changed since an inventory. */
export async function changedSince(
  folder: string,
  before: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const after = await takeInventory(folder);
  return [...after].filter(([path, mark]) => before.get(path) !== mark).map(([path]) => path);
}
