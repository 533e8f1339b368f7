import type { Decision, Json, Keys, ToolDefinition } from '@modelhost/kernel';

/** Sealed arguments go on record up to this size; larger ones stand there by their keyed digest alone. */
const sealedBytesMax = 8 * 1024;

type Facts = Readonly<Record<string, Json>>;

/** Which call a record is about. */
export function callFacts(keys: Keys, tenant: string, tool: string, callDigest: string): Facts {
  // The plain digest could be guessed from few possible arguments, so only its keyed digest goes on record.
  return { tool, callCommit: keys.commit(callDigest, `${tenant}/call`) };
}

/** How a call was decided. */
export function decisionFacts(decision: Decision): Facts {
  return {
    action: 'CallTool',
    effect: decision.effect,
    rules: decision.reasons.map(({ rule }) => rule),
    policyDigest: decision.policyDigest,
  };
}

/** What a call is about to do: digests, and the arguments sealed, never in the clear. */
export function intentFacts(
  keys: Keys,
  tenant: string,
  { effect, executor }: ToolDefinition,
  argumentsText: string,
): Facts {
  const context = `${tenant}/arguments`;
  const isSealable = Buffer.byteLength(argumentsText) <= sealedBytesMax;
  const sealed = isSealable ? keys.seal(argumentsText, context) : undefined;
  return {
    effect,
    executor,
    argumentsCommit: keys.commit(argumentsText, context),
    sealedArguments: sealed === undefined ? null : { ...sealed },
  };
}
