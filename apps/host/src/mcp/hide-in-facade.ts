import { HostError } from '@modelhost/kernel';
import type { Redactor } from '@modelhost/kernel';
import type { FacadeCore, FacadeService } from '@modelhost/mcp-gateway';
import { hideObject } from '../redaction/hide-object.ts';

type Outcome = Awaited<ReturnType<FacadeCore['handle']>>;

/**
 * A façade of which every error is hidden, with what it says of itself. The rest is hidden already: calls, and what is told of them, behind the governor, and
 * definitions where the gateway takes them in.
 */
export function hideInFacade(core: FacadeCore, redactor: Redactor): FacadeCore {
  return {
    ...core,
    handle: async (request, caller, io) =>
      hideOutcome(await core.handle(request, caller, io), redactor),
  };
}

function hideOutcome(outcome: Outcome, redactor: Redactor): Outcome {
  if (outcome.kind !== 'error') return outcome;
  const { message, data, ...error } = outcome.error;
  const hidden = data === undefined ? {} : { data: hideObject(redactor, data) };
  return { kind: 'error', error: { ...error, message: redactor.redact(message), ...hidden } };
}

/**
 * Services of the same listener: what they are asked is hidden before anything is decided or kept of it, as a call is, and so is what
 * they answer or why they refuse.
 */
export function hideInServices(
  services: readonly FacadeService[],
  redactor: Redactor,
): readonly FacadeService[] {
  return services.map((service) => ({
    ...service,
    answer: async (body, caller) => {
      try {
        const answer = await service.answer(hideObject(redactor, body), caller);
        return hideObject(redactor, answer);
      } catch (thrown) {
        if (!(thrown instanceof HostError)) throw thrown;
        throw new HostError(thrown.code, redactor.redact(thrown.message), { cause: thrown });
      }
    },
  }));
}
