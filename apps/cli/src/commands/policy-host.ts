import {
  ActivateBundleResponseSchema,
  GetPolicyStatusResponseSchema,
  HealthStatus,
  PolicyMode,
  ReplayReportSchema,
} from '@modelhost/contracts';
import { ModelHostError } from '@modelhost/sdk';
import { withClient } from '../connection.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { readNamedFile } from '../named-files.ts';
import { renderReplay } from '../policy/replay-text.ts';
import { toSinceMs } from '../policy/since.ts';
import type { Since } from '../policy/since.ts';
import { nameOf, renderStatus } from '../policy/status-text.ts';
import { toJsonText } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';
import { count } from '../text/quantities.ts';

/** What `policy replay` is told. */
export interface ReplayFlags extends ConnectionFlags, JsonFlag {
  readonly bundle: string;
  readonly since: Since;
}

type ReadFlags = ConnectionFlags & JsonFlag;

/** What a candidate would have decided otherwise. */
export async function replay(context: CliContext, flags: ReplayFlags): Promise<void> {
  const bundle = await readNamedFile(flags.bundle);
  const sinceMs = toSinceMs(flags.since, context.now());
  await withClient(context, flags, async (client) => {
    const report = await client.replayDecisions(bundle, { sinceMs });
    context.print(
      flags.json === true
        ? `${toJsonText(ReplayReportSchema, report, 2)}\n`
        : renderReplay(report, context.paint),
    );
  });
}

/** Brings a bundle into force, and says what it would have changed; exits with 1 when it is refused. */
export async function activate(context: CliContext, flags: ReadFlags, file: string): Promise<void> {
  const bytes = await readNamedFile(file);
  await withClient(context, flags, async (client) => {
    const answer = await client.activateBundle(bytes).catch((thrown: unknown) => {
      throw isRefusal(thrown) ? refused(file, thrown) : thrown;
    });
    if (flags.json === true) {
      return context.print(`${toJsonText(ActivateBundleResponseSchema, answer, 2)}\n`);
    }
    const { bundle, unchanged, testsPassed, replay: report } = answer;
    const what = bundle === undefined ? file : nameOf(bundle);
    const where = bundle?.mode === PolicyMode.SHADOW ? 'in the shadow' : 'in force';
    if (unchanged) return context.print(`${what} is ${where} already\n`);
    context.print(
      `${context.paint.green(what)} is ${where}; ${count(testsPassed, 'test')} passed\n`,
    );
    if (report !== undefined) context.print(renderReplay(report, context.paint));
  });
}

/** What is in force, and how well that goes. */
export async function showStatus(context: CliContext, flags: ReadFlags): Promise<void> {
  await withClient(context, flags, async (client) => {
    const answer = await client.getPolicyStatus();
    context.print(
      flags.json === true
        ? `${toJsonText(GetPolicyStatusResponseSchema, answer, 2)}\n`
        : renderStatus(answer, context.paint),
    );
    if (answer.status === HealthStatus.DOWN) context.exitWith(exitCodes.unavailable);
  });
}

function isRefusal(thrown: unknown): thrown is ModelHostError {
  return thrown instanceof ModelHostError && thrown.facts['refusal'] !== undefined;
}

function refused(file: string, { message, facts }: ModelHostError): CommandError {
  return new CommandError(
    exitCodes.failure,
    `${file}: ${facts['refusal'] ?? ''}: ${message}`,
    'what was in force still is; `model-host policy status` shows it',
  );
}
