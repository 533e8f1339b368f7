import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { CliContext } from '../context.ts';

const timeoutMs = 60_000;

/** Verifies an audit file in a process of its own, which knows nothing of this one; true when the file is intact. */
export async function verifyApart(
  context: Pick<CliContext, 'program' | 'environment' | 'print' | 'say'>,
  auditPath: string,
): Promise<boolean> {
  const [program, ...args] = context.program;
  try {
    const { stdout } = await promisify(execFile)(program, [...args, 'audit', 'verify', auditPath], {
      timeout: timeoutMs,
      env: { ...context.environment },
    });
    context.print(`audit ${stdout}`);
    return true;
  } catch (thrown) {
    // What execFile rejects with carries what the process wrote.
    const { stderr } = thrown as { readonly stderr?: string };
    context.say(`audit: not verified: ${stderr ?? String(thrown)}`);
    return false;
  }
}
