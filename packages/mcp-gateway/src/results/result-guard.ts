import { HostError, isJsonObject } from '@modelhost/kernel';
import type { FieldViolation, Json, JsonObject } from '@modelhost/kernel';

/** What a result is held to. */
export interface ResultBounds {
  readonly server: string;
  /** Name of the tool for models; absent for what is not a call. */
  readonly tool?: string;
  /** Characters of text in keys and strings, all together. */
  readonly textMax: number;
  readonly depthMax?: number;
  readonly partsMax?: number;
  /** Of the tool, when it was a call: the check of its output, and what a misfit leads to. */
  readonly output?: {
    readonly check: (result: JsonObject) => readonly FieldViolation[];
    readonly onMisfit: 'warn' | 'deny';
  };
  readonly log: (message: string) => void;
}

const depthMaxDefault = 64;
const partsMaxDefault = 200_000;
const shownViolationsMax = 3;

/**
 * Looks at a result before anybody gets it. Throws `mcp_protocol_error` for one that is nested too deeply, or does not
 * fit the tool's output schema where that denies it, and `mcp_result_too_large` for one of too much text or too many
 * parts. Errors say that the call went out: the tool has done its work.
 */
export function guardResult(result: JsonObject, bounds: ResultBounds): void {
  refuseExcess(result, bounds);
  const violations = bounds.output?.check(result) ?? [];
  if (violations.length === 0) return;
  const misfits = violations
    .slice(0, shownViolationsMax)
    .map(({ field, description }) => `${field} ${description}`)
    .join('; ');
  const message = `its result does not fit its output schema: ${misfits}`;
  if (bounds.output?.onMisfit === 'deny') throw refusal('mcp_protocol_error', message, bounds);
  bounds.log(`${bounds.tool ?? ''}: ${message}`);
}

/** What is nested too deeply is refused before anything deeper is looked at, so that no nesting can exhaust the stack. */
function refuseExcess(result: JsonObject, bounds: ResultBounds): void {
  const { textMax, depthMax = depthMaxDefault, partsMax = partsMaxDefault } = bounds;
  let text = 0;
  let parts = 0;
  visit(result, 0);

  function visit(value: Json, depth: number): void {
    if (depth > depthMax) {
      throw refusal('mcp_protocol_error', `its result is nested deeper than ${depthMax}`, bounds);
    }
    count(1, typeof value === 'string' ? value.length : 0);
    if (typeof value !== 'object' || value === null) return;
    if (!isJsonObject(value)) {
      for (const item of value) visit(item, depth + 1);
      return;
    }
    for (const name of Object.keys(value)) {
      count(0, name.length);
      visit(value[name] ?? null, depth + 1);
    }
  }

  function count(partsMore: number, textMore: number): void {
    parts += partsMore;
    text += textMore;
    if (text > textMax || parts > partsMax) {
      throw refusal('mcp_result_too_large', 'its result is larger than is allowed', bounds);
    }
  }
}

function refusal(
  code: 'mcp_protocol_error' | 'mcp_result_too_large',
  reason: string,
  { server, tool }: ResultBounds,
): HostError {
  const facts = { server, ...(tool === undefined ? {} : { tool }), sent: 'true' };
  return new HostError(code, `${tool ?? server}: ${reason}`, { facts });
}
