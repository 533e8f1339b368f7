import type { CliContext } from '../context.ts';
import type { JsonFlag } from '../text/output.ts';
import { readVersion } from '../version.ts';

/** The version, in JSON with that of Node. */
export function showVersion(context: CliContext, flags: JsonFlag): void {
  const version = readVersion();
  context.print(
    flags.json === true
      ? `${JSON.stringify({ version, node: process.versions.node })}\n`
      : `${version}\n`,
  );
}
