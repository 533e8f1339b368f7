import { GetStatusResponseSchema, HealthStatus } from '@modelhost/contracts';
import { withClient } from '../connection.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { exitCodes } from '../failure.ts';
import { healthNames } from '../text/health-names.ts';
import { toJsonText, toTable } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';
import { toLine } from '../text/printable.ts';
import { count, formatDuration } from '../text/quantities.ts';

/** Status of the host and its parts; exits with 7 when it is down or takes no new runs. */
export async function showHealth(
  context: CliContext,
  flags: ConnectionFlags & JsonFlag,
): Promise<void> {
  await withClient(context, flags, async (client) => {
    const answer = await client.getStatus();
    if (flags.json === true) {
      context.print(`${toJsonText(GetStatusResponseSchema, answer, 2)}\n`);
    } else {
      const { version, status, components, runsInFlight, draining } = answer;
      const drain = draining ? ', draining' : '';
      const flight = count(runsInFlight, 'run');
      context.print(
        `model-host ${version}: ${healthNames[status] ?? 'unknown'}${drain}, ${flight} in flight\n\n`,
      );
      const rows = components.map(({ name, status: state, latency, error }) => [
        name,
        healthNames[state] ?? 'unknown',
        latency === undefined ? '' : formatDuration(latency),
        toLine(error, 160),
      ]);
      context.print(toTable(['COMPONENT', 'STATUS', 'LATENCY', 'ERROR'], rows));
    }
    if (answer.status === HealthStatus.DOWN || answer.draining)
      context.exitWith(exitCodes.unavailable);
  });
}
