import { isJsonObject } from '@modelhost/kernel';
import type {
  Decision,
  Json,
  JsonObject,
  RestoredArguments,
  SessionRedactor,
  StepRedactor,
} from '@modelhost/kernel';

/**
 * The arguments as they go out: without what policy hides from this tool, and with the values back that it reveals to it.
 * Only for the effect itself: what is revealed is never kept. Where values are revealed, a placeholder that the session did
 * not give out refuses the call.
 */
export function outgoingArguments(
  { session, redactor }: { readonly session: SessionRedactor; readonly redactor: StepRedactor },
  values: JsonObject,
  { obligations }: Decision,
): RestoredArguments {
  const { redact, reveal } = obligations;
  // What is hidden always has been hidden since they came in.
  const isHiding = Object.keys(redact.detectors).length > 0;
  const hidden = isHiding ? redactor.redactJson(values, redact.detectors) : values;
  // An object stays an object.
  const outgoing = isJsonObject(hidden) ? hidden : {};
  if (Object.keys(reveal).length === 0) {
    return { type: 'restored', arguments: outgoing, restored: [] };
  }
  return session.restore(outgoing, reveal);
}

/** Which placeholders became values again, for the record; nothing where none did. */
export function revealFacts(
  outgoing: Extract<RestoredArguments, { type: 'restored' }>,
): Readonly<Record<string, Json>> {
  const { restored } = outgoing;
  return restored.length === 0 ? {} : { revealed: restored.map((entry) => ({ ...entry })) };
}

/** What was found in a step, for the record: counts by detector, nothing where nothing was found. */
export function redactionFacts(redactor: StepRedactor): Readonly<Record<string, Json>> {
  const redactions = redactor.found();
  return Object.keys(redactions).length === 0 ? {} : { redactions };
}

/** Says of an argument that it has a placeholder that was made up, or belongs to somebody else. */
export function forgedMessage(path: string): string {
  return `the argument ${path} has a placeholder that was never given out here`;
}
