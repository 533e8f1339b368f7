import { HostError, isJsonObject } from '@modelhost/kernel';
import type { ErrorCode, FieldViolation, FinishReason, ModelRequest } from '@modelhost/kernel';
import { textAnswer } from './scripted-answer.ts';
import type { ScriptedAnswer } from './scripted-answer.ts';
import { readTranscript } from './scripted-transcript.ts';

/** What the demo model plays; made by {@link readScript}. */
export interface Script {
  readonly steps: readonly ScriptStep[];
}

/** One answer, and when it is given. */
interface ScriptStep extends ScriptedAnswer {
  readonly when: ScriptCondition | undefined;
}

/** All that is given must hold. */
interface ScriptCondition {
  /** From 1: answers since the last message of the user, this one included. */
  readonly turn?: number;
  /** Part of the newest tool result. */
  readonly lastToolContains?: string;
  /** Part of the last message of the user. */
  readonly userContains?: string;
}

const stepsMax = 200;
const callsMax = 64;
const textLengthMax = 65_536;
const delayMsMax = 60_000;

const finishReasons: readonly FinishReason[] = [
  'stop',
  'length',
  'tool-calls',
  'content-filter',
  'refusal',
  'other',
];

const errorCodes: readonly ErrorCode[] = [
  'provider_unavailable',
  'provider_rate_limited',
  'provider_rejected',
  'provider_unauthorized',
  'provider_timeout',
  'provider_invalid_response',
];

/**
 * The step for a conversation: the first one whose conditions hold. A step without conditions is the one for the turn
 * that is its place in the list.
 */
export function chooseStep(script: Script, request: ModelRequest): ScriptedAnswer {
  const { task, turn, calls } = readTranscript(request.messages);
  const lastTool = calls.at(-1)?.content;
  const step = script.steps.find(({ when }, index) => {
    if (when === undefined) return turn === index + 1;
    const { lastToolContains, userContains } = when;
    return (
      (when.turn === undefined || when.turn === turn) &&
      (lastToolContains === undefined || lastTool?.includes(lastToolContains) === true) &&
      (userContains === undefined || task.includes(userContains))
    );
  });
  return (
    step ?? textAnswer(`This is a scripted demo model; its script has no step for turn ${turn}.`)
  );
}

/** Reads a script that was parsed from YAML or JSON: a list of steps. Throws `config_invalid` with every problem in it. */
export function readScript(value: unknown): Script {
  const problems: FieldViolation[] = [];
  const steps = readSteps(value, problems);
  const [first] = problems;
  if (first === undefined) return { steps };
  throw new HostError('config_invalid', `script: ${first.field} ${first.description}`, {
    violations: problems,
  });
}

/** Reads one value at a path; what is wrong goes to `problems`. */
interface Reader {
  readonly problems: FieldViolation[];
  readonly path: string;
}

function readSteps(value: unknown, problems: FieldViolation[]): readonly ScriptStep[] {
  const reader = { problems, path: 'steps' };
  if (!Array.isArray(value) || value.length === 0 || value.length > stepsMax) {
    return refuse(reader, `must be a list of 1 to ${stepsMax} steps`, []);
  }
  return value.map((item: unknown, index) => readStep({ problems, path: `steps[${index}]` }, item));
}

function readStep(reader: Reader, value: unknown): ScriptStep {
  const fields = readFields(reader, value, [
    'when',
    'text',
    'toolCalls',
    'finishReason',
    'delayMs',
    'error',
  ]);
  return {
    when: optional(reader, fields, 'when', readCondition),
    text: optional(reader, fields, 'text', readText) ?? '',
    toolCalls: optional(reader, fields, 'toolCalls', readCalls) ?? [],
    finishReason: optional(reader, fields, 'finishReason', (at, item) =>
      readChoice(at, item, finishReasons),
    ),
    delayMs: optional(reader, fields, 'delayMs', readDelay) ?? 0,
    error: optional(reader, fields, 'error', readError),
  };
}

function readCondition(reader: Reader, value: unknown): ScriptCondition {
  const fields = readFields(reader, value, ['turn', 'lastToolContains', 'userContains']);
  const turn = optional(reader, fields, 'turn', readTurn);
  const lastToolContains = optional(reader, fields, 'lastToolContains', readText);
  const userContains = optional(reader, fields, 'userContains', readText);
  return {
    ...(turn === undefined ? {} : { turn }),
    ...(lastToolContains === undefined ? {} : { lastToolContains }),
    ...(userContains === undefined ? {} : { userContains }),
  };
}

function readCalls(reader: Reader, value: unknown): ScriptStep['toolCalls'] {
  if (!Array.isArray(value) || value.length > callsMax) {
    return refuse(reader, `must be a list of at most ${callsMax} calls`, []);
  }
  return value.map((item: unknown, index) => {
    const at = { ...reader, path: `${reader.path}[${index}]` };
    const fields = readFields(at, item, ['name', 'arguments']);
    const name = optional(at, fields, 'name', readText);
    if (name === undefined || name === '') refuse(at, 'must have a name', '');
    return {
      name: name ?? '',
      arguments: optional(at, fields, 'arguments', readArguments) ?? '{}',
    };
  });
}

/** An object is written as JSON; a text stays as it is, so that a script can be wrong on purpose. */
function readArguments(reader: Reader, value: unknown): string {
  if (typeof value === 'string') return readText(reader, value);
  if (isJsonObject(value)) return readText(reader, JSON.stringify(value));
  return refuse(reader, 'must be a mapping, or the text of the arguments', '');
}

function readError(reader: Reader, value: unknown): ScriptStep['error'] {
  const fields = readFields(reader, value, ['code', 'message', 'retryAfterMs']);
  const code = optional(reader, fields, 'code', (at, item) => readChoice(at, item, errorCodes));
  const retryAfterMs = optional(reader, fields, 'retryAfterMs', readDelay);
  return {
    code: code ?? refuse(reader, 'must have a code', 'provider_unavailable'),
    message: optional(reader, fields, 'message', readText) ?? 'the script says so',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function readText(reader: Reader, value: unknown): string {
  if (typeof value === 'string' && value.length <= textLengthMax) return value.toWellFormed();
  return refuse(reader, `must be a text of at most ${textLengthMax} characters`, '');
}

function readTurn(reader: Reader, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  return refuse(reader, 'must be a whole number of at least 1', 1);
}

function readDelay(reader: Reader, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= delayMsMax) return value;
  return refuse(reader, `must be a number of milliseconds from 0 to ${delayMsMax}`, 0);
}

function readChoice<T extends string>(
  reader: Reader,
  value: unknown,
  choices: readonly T[],
): T | undefined {
  const chosen = choices.find((choice) => choice === value);
  return chosen ?? refuse(reader, `must be one of ${choices.join(', ')}`, undefined);
}

function readFields(
  reader: Reader,
  value: unknown,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  if (!isJsonObject(value)) return refuse(reader, 'must be a mapping', {});
  for (const name of Object.keys(value)) {
    if (names.includes(name)) continue;
    const at = { ...reader, path: `${reader.path}.${name}` };
    refuse(at, `is not known; known are ${names.join(', ')}`, undefined);
  }
  return value;
}

function optional<T>(
  reader: Reader,
  fields: Readonly<Record<string, unknown>>,
  name: string,
  read: (at: Reader, item: unknown) => T,
): T | undefined {
  if (!Object.hasOwn(fields, name) || fields[name] === undefined) return undefined;
  return read({ ...reader, path: `${reader.path}.${name}` }, fields[name]);
}

function refuse<T>({ problems, path }: Reader, description: string, instead: T): T {
  problems.push({ field: path, description });
  return instead;
}
