import type { Decision, Json, Keys, PolicyAction, ToolDefinition } from '@modelhost/kernel';
import { obligationFacts } from './obligations.ts';

/** Sealed arguments go on record up to this size; larger ones stand there by their keyed digest alone. */
const sealedBytesMax = 8 * 1024;
const sealedResultBytesMax = 64 * 1024;

type Facts = Readonly<Record<string, Json>>;

/** Which call a record is about. */
export function callFacts(keys: Keys, tenant: string, tool: string, callDigest: string): Facts {
  // The plain digest could be guessed from few possible arguments, so only its keyed digest goes on record.
  return { tool, callCommit: keys.commit(callDigest, `${tenant}/call`) };
}

/** How something was decided, by what, and what is demanded beside the answer. */
export function decisionFacts(decision: Decision, action: PolicyAction): Facts {
  return {
    action,
    effect: decision.effect,
    rules: decision.reasons.map(({ rule }) => rule),
    policyDigest: decision.policyDigest,
    ...(decision.bundles.length === 0 ? {} : { bundles: decision.bundles }),
    ...obligationFacts(decision.obligations),
  };
}

/** What was answered, where policy wants it on record: sealed up to a size, above it by its keyed digest alone. */
export function resultFacts(keys: Keys, tenant: string, content: string): Facts {
  const context = `${tenant}/result`;
  const isSealable = Buffer.byteLength(content) <= sealedResultBytesMax;
  return {
    resultCommit: keys.commit(content, context),
    sealedResult: isSealable ? { ...keys.seal(content, context) } : null,
  };
}

/** What a call is about to do: digests, and the arguments sealed, never in the clear. */
export function intentFacts(
  keys: Keys,
  tenant: string,
  { effect, executor }: ToolDefinition,
  { argumentsText, decision }: { readonly argumentsText: string; readonly decision: Decision },
): Facts {
  const context = `${tenant}/arguments`;
  // Where policy hides some of them, the keyed digest of all is enough.
  const isHidden = decision.obligations.redact.arguments.length > 0;
  const isSealable = !isHidden && Buffer.byteLength(argumentsText) <= sealedBytesMax;
  const sealed = isSealable ? keys.seal(argumentsText, context) : undefined;
  return {
    effect,
    executor,
    argumentsCommit: keys.commit(argumentsText, context),
    sealedArguments: sealed === undefined ? null : { ...sealed },
  };
}
