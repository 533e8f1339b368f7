import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { InputRequest, RpcError } from '../relay.ts';

/** Methods by which an upstream asks for input. */
export type InputMethod = InputRequest['method'];

const inputMethods: readonly string[] = [
  'elicitation/create',
  'sampling/createMessage',
  'roots/list',
] satisfies readonly InputMethod[];

/** Whether the method is one by which an upstream asks for input. */
export function isInputMethod(method: string): method is InputMethod {
  return inputMethods.includes(method);
}

/** The error for a request that the one who asked could not answer; undefined when nothing is missing. */
export function findMissing(request: InputRequest, capabilities: JsonObject): RpcError | undefined {
  switch (request.method) {
    case 'elicitation/create':
      return findMissingMode(request.params['mode'] ?? 'form', capabilities['elicitation']);
    case 'sampling/createMessage':
      return capabilities['sampling'] === undefined ? noCapability('sampling') : undefined;
    case 'roots/list':
      return capabilities['roots'] === undefined ? noCapability('roots') : undefined;
  }
}

/** An `elicitation` capability without modes means forms. */
function findMissingMode(mode: unknown, elicitation: unknown): RpcError | undefined {
  if (!isJsonObject(elicitation)) return noCapability('elicitation');
  const { form, url } = elicitation;
  const canDo = mode === 'url' ? url !== undefined : form !== undefined || url === undefined;
  if (canDo) return undefined;
  return {
    code: -32_602,
    message: `elicitation by ${mode === 'url' ? 'url' : 'form'} is not supported`,
  };
}

function noCapability(name: string): RpcError {
  return { code: -32_601, message: `the one who asked has no capability for ${name}` };
}

/** The errors that a live request of an upstream may get instead of input. */
export const liveErrors: Readonly<Record<'ambiguous' | 'tooMany' | 'expired' | 'ended', RpcError>> =
  {
    ambiguous: { code: -32_603, message: 'it cannot be told for whom this is' },
    tooMany: { code: -32_603, message: 'too many requests are open' },
    expired: { code: -32_603, message: 'nobody answered in time' },
    ended: { code: -32_603, message: 'the request it belongs to is over' },
  };
