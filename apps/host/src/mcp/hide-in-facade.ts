import { HostError } from '@modelhost/kernel';
import type { Redactor } from '@modelhost/kernel';
import type { FacadeCore, FacadeService } from '@modelhost/mcp-gateway';
import { hideError } from '../redaction/hide-error.ts';
import { hideObject } from '../redaction/hide-object.ts';

type Outcome = Awaited<ReturnType<FacadeCore['handle']>>;
type RpcError = Extract<Outcome, { kind: 'error' }>['error'];

/**
 * A façade of which every error is hidden, with what it says of itself. The rest is hidden already: calls, and what is told of them, behind the governor, and
 * definitions where the gateway takes them in.
 */
export function hideInFacade(core: FacadeCore, redactor: Redactor): FacadeCore {
  return {
    ...core,
    handle: async (request, caller, io) => {
      const outcome = await core.handle(request, caller, io);
      return outcome.kind === 'error' ? { kind: 'error', error: hide(outcome.error) } : outcome;
    },
    watchResource: (caller, uri) =>
      core.watchResource(caller, uri).catch((thrown: unknown) => {
        throw hideThrown(thrown, redactor);
      }),
    subscribe: (caller, params, sink) =>
      core.subscribe(caller, params, { ...sink, onRefuse: (error) => sink.onRefuse(hide(error)) }),
  };

  function hide({ message, data, ...error }: RpcError): RpcError {
    const hidden = data === undefined ? {} : { data: hideObject(redactor, data) };
    return { ...error, message: redactor.redact(message), ...hidden };
  }
}

function hideThrown(thrown: unknown, redactor: Redactor): unknown {
  return thrown instanceof HostError ? hideError(thrown, (text) => redactor.redact(text)) : thrown;
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
        throw hideThrown(thrown, redactor);
      }
    },
  }));
}
