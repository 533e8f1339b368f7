import { HostError } from '@modelhost/kernel';
import type { FacadeCore, FacadeService } from '@modelhost/mcp-gateway';
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

/** Services of the same listener, whose answers and refusals pass `hide`. */
export function hideInServices(
  services: readonly FacadeService[],
  hide: Hide,
): readonly FacadeService[] {
  return services.map((service) => ({
    ...service,
    answer: async (body, caller) => {
      try {
        return mapTexts(await service.answer(body, caller), hide);
      } catch (thrown) {
        if (!(thrown instanceof HostError)) throw thrown;
        throw new HostError(thrown.code, hide(thrown.message), { cause: thrown });
      }
    },
  }));
}
