import { canonicalJson, isJsonObject, parseJsonText, plainLabels } from '@modelhost/kernel';
import type { EvidenceText } from '../evidence/find-evidence.ts';
import type {
  DataLabels,
  ErrorData,
  FieldViolation,
  JsonObject,
  Obligations,
  ToolDefinition,
  ToolOutcome,
} from '@modelhost/kernel';

/** What the model sees of a call, and how the call ended. */
export interface ToolVerdict {
  readonly outcome: ToolOutcome;
  readonly content: string;
  readonly isTruncated: boolean;
  readonly labels: DataLabels;
  /** What the content answers; undefined where the content is the host's own, or an error. */
  readonly answered: AnsweredCall | undefined;
  /** A call that may have had an effect although its answer is not shown. */
  readonly attempted?: EvidenceCall;
  readonly error: ErrorData | undefined;
}

/** A call, as far as the origin of values is concerned. */
export type EvidenceCall = NonNullable<EvidenceText['call']>;

/** A call that its tool answered. */
export interface AnsweredCall {
  readonly tool: ToolDefinition;
  /** The arguments that it answered to. */
  readonly answers: JsonObject;
  /** What the decision on the call demands of whatever the tool says. */
  readonly obligations: Obligations;
}

/** The verdict in words of the host, in which a server has no part. */
export function ownVerdict(outcome: ToolOutcome, content: string, error?: ErrorData): ToolVerdict {
  return {
    outcome,
    content,
    isTruncated: false,
    labels: plainLabels,
    answered: undefined,
    error,
  };
}

/** The verdict on a call that an error ended. */
export function refused(outcome: ToolOutcome, error: ErrorData): ToolVerdict {
  return ownVerdict(outcome, `Error ${error.code}: ${error.message}`, error);
}

/** The verdict on a call that policy or a person does not let run. */
export function deniedVerdict(tool: string, message: string, rule: string): ToolVerdict {
  return ownVerdict('denied', `Denied by policy: ${message}. Do not try this call again.`, {
    code: 'policy_violation',
    message,
    facts: { tool, rule },
  });
}

/** The verdict on a call of a tool that the agent does not have. */
export function unknownTool(name: string): ToolVerdict {
  const tool = name.slice(0, 64);
  return refused('failed', {
    code: 'mcp_tool_not_found',
    message: `there is no tool ${tool} for this agent`,
    facts: { tool },
  });
}

/** The verdict on arguments that do not fit; without violations they are no JSON object. */
export function invalidArguments(
  tool: string,
  violations: readonly FieldViolation[] = [
    { field: 'arguments', description: 'must be the text of one JSON object' },
  ],
): ToolVerdict {
  return refused('invalid_arguments', {
    code: 'tool_arguments_invalid',
    message: violations.map(({ field, description }) => `${field}: ${description}`).join('; '),
    facts: { tool, field: violations[0]?.field ?? 'arguments' },
  });
}

/** The arguments of a call from the text that the model wrote; undefined when they are no JSON object. */
export function readArguments(text: string): JsonObject | undefined {
  try {
    const value = parseJsonText(text.trim() === '' ? '{}' : text);
    if (!isJsonObject(value)) return undefined;
    canonicalJson(value);
    return value;
  } catch {
    // Not JSON, or nested too deeply to be handled.
    return undefined;
  }
}
