import { noObligations } from '@modelhost/kernel';
import type { ErrorData, ToolCall, ToolDefinition } from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import type { StepWork } from '../guarded-context.ts';
import { bytesBefore, textBefore } from '../hiding/hide-in-piece.ts';
import { acceptResult, recordAcceptance, verdictOnResult } from './accept-result.ts';
import type { AcceptedResult } from './accept-result.ts';
import type { PlannedCall } from './tool-records.ts';
import { invalidArguments, readArguments, refused } from './tool-verdict.ts';
import type { AnsweredCall, ToolVerdict } from './tool-verdict.ts';

/** Follows a result that was cut, so that the model does not take the part for the whole. */
const cutNote = '[The result was cut here: it is longer than the host lets through.]';
/** In the last line of a result whose rest is kept. */
const handlePattern = /(result:\/\/[A-Za-z0-9-]+)[^\n]*$/;

const readTool: ToolDefinition = {
  name: 'read_result',
  description:
    'Reads on in a result that was cut. Handle and offset are in the last line of what there is of it.',
  inputSchema: {
    type: 'object',
    properties: {
      handle: { type: 'string', maxLength: 128, description: 'Such as result://1f0a.' },
      offset: { type: 'integer', minimum: 0, description: 'The byte to begin at, 0 by default.' },
    },
    required: ['handle'],
    additionalProperties: false,
  },
  effect: 'none',
  // Of whatever the run knows nothing: what was given to the principal elsewhere.
  integrity: 'untrusted',
  confidentiality: 'secret',
  decisionArguments: [],
  server: 'host',
  serverTool: 'read_result',
  executor: 'host',
};

/**
 * A result as the model gets it, with a note where it was cut. Once the rest of one is kept, the run offers a tool to read
 * on; a tool of the caller with the same name takes precedence.
 */
export function noteCut(run: ActiveRun, { content, isTruncated, answered }: ToolVerdict): string {
  if (!isTruncated) return content;
  const handle = handlePattern.exec(content)?.[1];
  const canReadOn = handle !== undefined && run.offer(readTool);
  // Whatever else is read of a result is taken for what its beginning was. The first who names a handle is who it was made
  // for: a server that ends its own text with the handle of another does not get that one's result taken for its own.
  if (canReadOn && answered !== undefined && !run.keptResults.has(handle)) {
    run.keptResults.set(handle, answered);
  }
  return `${content}\n${canReadOn ? `[Read on with ${readTool.name}.]` : cutNote}`;
}

/** Whether the call is answered by the loop itself, from a result that was given already. */
export function isReadingCall(run: ActiveRun, { name }: ToolCall): boolean {
  return name === readTool.name && run.offered().includes(readTool);
}

/**
 * Answers a call to read on. The principal has the result already as far as calls go, so that is not decided again; whether
 * the model may see the piece is.
 */
export async function answerReading(run: ActiveRun, planned: PlannedCall): Promise<ToolVerdict> {
  const { call, base } = planned;
  const values = readArguments(call.arguments);
  if (values === undefined) return invalidArguments(readTool.name);
  const violations = run.checkArguments(readTool, values);
  const { handle, offset = 0 } = values;
  if (violations.length > 0 || typeof handle !== 'string' || typeof offset !== 'number') {
    return invalidArguments(readTool.name, violations);
  }
  const answered = run.keptResults.get(handle) ?? {
    tool: readTool,
    answers: values,
    obligations: noObligations,
  };
  const piece = await run.context.step(`${base}/read`, async (info) =>
    readPiece(run, planned, { handle, offset, answered, info }),
  );
  if (piece === null) {
    const message = 'there is no such result, or it is no longer kept';
    return refused('failed', { code: 'not_found', message, facts: { tool: readTool.name } });
  }
  if (piece.error !== null) run.fail(piece.error);
  return verdictOnResult(run, planned, { result: piece.result, answered });
}

async function readPiece(
  run: ActiveRun,
  planned: PlannedCall,
  wanted: {
    readonly handle: string;
    readonly offset: number;
    readonly answered: AnsweredCall;
    readonly info: StepWork;
  },
): Promise<{ readonly result: AcceptedResult; readonly error: ErrorData | null } | null> {
  const { handle, offset, answered, info } = wanted;
  const raw = run.ports.tools.readResult(run.input.principal, handle, offset);
  if (raw === undefined) return null;
  const result = await acceptResult(run, answered, {
    raw,
    nowMs: info.now(),
    redactor: info.redactor,
    before: () => readBefore(run, { handle, offset, text: raw.content }),
  });
  const { name } = answered.tool;
  return { result, error: await recordAcceptance(run, planned, name, { raw, result }) };
}

/** The end of what stands before a piece, from the same result. */
function readBefore(
  { ports, input }: ActiveRun,
  piece: { readonly handle: string; readonly offset: number; readonly text: string },
): string {
  const { handle, offset, text } = piece;
  const from = Math.max(0, offset - bytesBefore);
  if (from === offset) return '';
  const earlier = ports.tools.readResult(input.principal, handle, from);
  return earlier === undefined ? '' : textBefore(earlier.content, text, offset - from);
}
