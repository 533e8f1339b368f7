import { access, constants, stat } from 'node:fs/promises';
import { verifyAuditFile } from '@modelhost/audit';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { systemCode } from '../named-files.ts';
import type { JsonFlag } from '../text/output.ts';
import { count } from '../text/quantities.ts';

/** Checks an audit file; exits with 1 when something is wrong in it. */
export async function verifyAudit(
  context: CliContext,
  flags: JsonFlag,
  file: string,
): Promise<void> {
  const reason = await whyUnreadable(file);
  if (reason !== undefined) {
    throw new CommandError(
      exitCodes.usage,
      `${file}: ${reason}`,
      'the file is audit.jsonl in server.dataDirectory of the host',
    );
  }
  const verification = await verifyAuditFile(file);
  if (flags.json === true) context.print(`${JSON.stringify(verification)}\n`);
  if (!verification.ok) {
    const { line, problem, records } = verification;
    throw new CommandError(
      exitCodes.failure,
      `${file}:${line}: ${problem}; the ${count(records, 'record')} before it ${records === 1 ? 'is' : 'are'} intact`,
      'keep the file as it is and compare it with a copy',
    );
  }
  if (flags.json === true) return;
  const { records, head, notedIndex } = verification;
  const end = head === undefined ? '' : `, head ${head.hash}`;
  if (notedIndex === undefined) {
    context.say(`${file}.head is missing: records cut off the end of the file would not show`);
  }
  context.print(`${file}: intact, ${count(records, 'record')}${end}\n`);
}

async function whyUnreadable(file: string): Promise<string | undefined> {
  try {
    await access(file, constants.R_OK);
    return (await stat(file)).isDirectory() ? 'is a directory' : undefined;
  } catch (cause) {
    return `cannot be read (${systemCode(cause)})`;
  }
}
