import { canonicalJson, sha256Hex } from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import { elapsedMs } from '../elapsed.ts';
import type { Place } from '../line.ts';
import { rootOf } from '../root-run.ts';
import { governCall } from './call-decision.ts';
import { answerReading, isReadingCall } from './tool-reading.ts';
import type { CheckedCall, PlannedCall } from './tool-records.ts';
import { answerSearch, isSearchCall } from './tool-search.ts';
import { invalidArguments, readArguments, unknownTool } from './tool-verdict.ts';
import type { ToolVerdict } from './tool-verdict.ts';

/**
 * Takes one tool call through check, policy, approval, audit and gateway. It rejects only when the run was stopped. `place`
 * is that of its first decision among those of its turn: it is left once that is made, or will never be.
 */
export async function takeToolStep(
  run: ActiveRun,
  planned: PlannedCall,
  place: Place,
): Promise<ToolVerdict> {
  const { context } = run;
  const { call, base } = planned;
  context.emit(base, { type: 'step-started', kind: 'tool' });
  const startedMs = await context.now(`${base}/start`);
  const verdict = await answer(run, planned, place);
  const durationMs = elapsedMs(startedMs, await context.now(`${base}/end`));
  if (verdict.outcome === 'denied') run.count('toolCallsDenied');
  const { id: callId, name: tool } = call;
  const { outcome, content, isTruncated, labels, error } = verdict;
  const ended = { callId, tool, outcome, content, isTruncated, labels, durationMs, error };
  context.emit(base, { type: 'tool-finished', ...ended });
  context.emit(base, {
    type: 'step-finished',
    kind: 'tool',
    finishReason: outcome,
    durationMs,
  });
  return verdict;
}

async function answer(run: ActiveRun, planned: PlannedCall, place: Place): Promise<ToolVerdict> {
  const checked = await lookUp(run, planned);
  if (!('outcome' in checked)) return governCall(run, checked, place);
  place.pass();
  return checked;
}

/** What the loop answers itself, or the call as it goes to policy. */
async function lookUp(run: ActiveRun, planned: PlannedCall): Promise<CheckedCall | ToolVerdict> {
  if (isSearchCall(run, planned.call)) return answerSearch(run, planned);
  if (isReadingCall(run, planned.call)) return answerReading(run, planned);
  return checkCall(run, planned);
}

function checkCall(run: ActiveRun, planned: PlannedCall): CheckedCall | ToolVerdict {
  const { call } = planned;
  const tool = run.tools.get(call.name);
  if (tool === undefined) return unknownTool(call.name);
  const values = readArguments(call.arguments);
  if (values === undefined) return invalidArguments(tool.name);
  const violations = run.checkArguments(tool, values);
  if (violations.length > 0) return invalidArguments(tool.name, violations);
  const argumentsText = canonicalJson(values);
  const { tenant, subject } = run.input.principal;
  // A fork knows the calls of the run that it goes on from by the digests that people have approved.
  const callDigest = sha256Hex(
    canonicalJson([rootOf(run.input), call.id, tenant, subject, tool.name, argumentsText]),
  );
  return { ...planned, tool, values, argumentsText, callDigest };
}
