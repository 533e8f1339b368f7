import type { ErrorData, SignalPayload } from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import type { StepWork } from '../guarded-context.ts';
import { acceptResult, recordResult, verdictOnResult } from './accept-result.ts';
import type { AcceptedResult } from './accept-result.ts';
import { answeredOf, recordOf } from './tool-records.ts';
import type { AllowedCall } from './tool-records.ts';
import { refused } from './tool-verdict.ts';
import type { ToolVerdict } from './tool-verdict.ts';

/** Waits for the result of an allowed call that the client makes itself. */
export async function awaitClient(run: ActiveRun, call: AllowedCall): Promise<ToolVerdict> {
  const { context } = run;
  const timeoutMs = run.input.agent.approvalTimeoutMs;
  const signal = await context.waitForSignal(`tool-result/${call.call.id}`, {
    timeoutMs,
    approvers: [],
  });
  if (signal?.type !== 'tool-result') return giveUp(run, call, timeoutMs);
  const { result, error } = await context.step(`${call.base}/outcome`, async (info) =>
    takeResult(run, call, { signal, info }),
  );
  if (error !== null) run.fail(error);
  return verdictOnResult(run, call, { result, answered: answeredOf(call) });
}

async function takeResult(
  run: ActiveRun,
  call: AllowedCall,
  given: {
    readonly signal: Extract<SignalPayload, { type: 'tool-result' }>;
    readonly info: StepWork;
  },
): Promise<{ readonly result: AcceptedResult; readonly error: ErrorData | null }> {
  const { signal, info } = given;
  const { redactor } = info;
  const { content, isError } = signal;
  const raw = { content, isError, isTruncated: false };
  const result = await acceptResult(run, answeredOf(call), { raw, nowMs: info.now(), redactor });
  const outcome = isError ? 'tool_error' : 'ok';
  return { result, error: await recordResult(run, call, { outcome, raw, result, redactor }) };
}

async function giveUp(run: ActiveRun, call: AllowedCall, timeoutMs: number): Promise<ToolVerdict> {
  const tool = call.tool.name;
  const late: ErrorData = {
    code: 'deadline_exceeded',
    message: `the client gave no result for ${tool} in ${timeoutMs} ms`,
    facts: { tool, timeout_ms: String(timeoutMs) },
  };
  const error = await run.context.step(`${call.base}/outcome`, async () =>
    run.tryRecord(recordOf(run, call, 'outcome', { outcome: 'failed', code: late.code })),
  );
  if (error !== null) run.fail(error);
  return refused('failed', late);
}
