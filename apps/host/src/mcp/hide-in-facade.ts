import { HostError } from '@modelhost/kernel';
import type { Redactor } from '@modelhost/kernel';
import type { FacadeCore, FacadeService } from '@modelhost/mcp-gateway';
import { hideObject } from '../redaction/hide-object.ts';
import { mapTexts } from './relayed-answer.ts';

type Hide = (text: string) => string;
type Outcome = Awaited<ReturnType<FacadeCore['handle']>>;

/**
 * A façade of which every error passes `hide`. The rest is hidden already: calls, and what is told of them, behind the governor, and
 * definitions where the gateway takes them in.
 */
export function hideInFacade(core: FacadeCore, hide: Hide): FacadeCore {
  return {
    ...core,
    handle: async (request, caller, io) =>
      hideOutcome(await core.handle(request, caller, io), hide),
  };
}

function hideOutcome(outcome: Outcome, hide: Hide): Outcome {
  if (outcome.kind !== 'error') return outcome;
  const { message, data, ...error } = outcome.error;
  const hidden = data === undefined ? {} : { data: mapTexts(data, hide) };
  return { kind: 'error', error: { ...error, message: hide(message), ...hidden } };
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
