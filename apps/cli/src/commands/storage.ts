import { createStorageTools } from '@modelhost/host';
import type { DataPart, StorageTools } from '@modelhost/host';
import type { CliContext } from '../context.ts';
import type { JsonFlag } from '../text/output.ts';
import { count } from '../text/quantities.ts';
import { readConfig } from './config.ts';
import type { ConfigFlags } from './config.ts';

/** What is kept, in numbers. */
export async function showStorage(
  context: CliContext,
  flags: ConfigFlags & JsonFlag,
): Promise<void> {
  const storage = openTools(context, flags);
  const status = await storage.status();
  if (flags.json === true) {
    context.print(`${JSON.stringify({ directory: storage.directory, ...status })}\n`);
    return;
  }
  const { mark } = status;
  const { running, waiting, finished } = status.runs;
  context.print(
    [
      storage.directory,
      `runs      ${running + waiting + finished}: ${finished} finished, ${waiting} waiting, ${running} running`,
      `sessions  ${status.sessions}`,
      `size      ${megabytes(status.fileBytes)}, ${megabytes(status.freeBytes)} of it unused`,
      `tables    version ${status.version}`,
      ...(mark === undefined ? [] : [`store     ${mark.storeId}, at ${mark.epoch}.${mark.checks}`]),
      '',
    ].join('\n'),
  );
}

/** Reads and opens everything; exits with 7 when something is damaged. */
export async function verifyStorage(context: CliContext, flags: ConfigFlags): Promise<void> {
  const storage = openTools(context, flags);
  const opened = await storage.verify();
  context.print(`${storage.directory}: intact; ${count(opened, 'sealed record')} opened\n`);
}

/** Copies everything into a new file. */
export async function backUpStorage(
  context: CliContext,
  flags: ConfigFlags,
  file: string,
): Promise<void> {
  await openTools(context, flags).backup(file);
  context.print(`${file}: complete, and read through\n`);
  context.say('keep master.key with it: without it nothing in the backup can be read');
}

/** Puts a backup where a host will look for it. */
export async function restoreStorage(
  context: CliContext,
  flags: ConfigFlags,
  file: string,
): Promise<void> {
  const storage = openTools(context, flags);
  const problem = await storage.restore(file, context.now());
  context.print(`${storage.directory}: restored\n`);
  if (problem !== undefined) context.say(`not all of it is well: ${problem.message}`);
  context.say('runs that were unfinished go on with the next start, from where they were then');
}

/** Lets the next start of the host go on without what a part had. */
export async function acceptStorageLoss(
  context: CliContext,
  flags: ConfigFlags,
  part: DataPart,
): Promise<void> {
  const known = await openTools(context, flags).acceptLoss(part, context.now());
  context.print(`${part}: the next start goes on with what is there, or begins anew\n`);
  context.say('what is there and damaged is refused all the same: move it away, to begin anew');
  context.say(`what was known of it goes on record then: ${JSON.stringify(known)}`);
}

/** Removes what is too old, and makes the file smaller. */
export async function compactStorage(
  context: CliContext,
  flags: ConfigFlags & JsonFlag,
): Promise<void> {
  const storage = openTools(context, flags);
  const { fileBytes: before } = await storage.status();
  const removed = await storage.compact(context.now());
  const { fileBytes } = await storage.status();
  if (flags.json === true) {
    context.print(`${JSON.stringify({ ...removed, bytesBefore: before, bytes: fileBytes })}\n`);
    return;
  }
  context.print(
    `removed ${count(removed.runs, 'run')}, and only the events of ${count(removed.events, 'run')}\n`,
  );
  if (removed.damaged !== undefined) {
    context.print(`${count(removed.damaged, 'run')} could not be removed: damaged\n`);
  }
  context.print(`size ${megabytes(fileBytes)}, it was ${megabytes(before)}\n`);
}

function openTools(context: CliContext, flags: ConfigFlags): StorageTools {
  return createStorageTools(readConfig(context, flags), context.environment);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
