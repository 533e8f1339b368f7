/** How a server of the legacy era asks its client: requests of its own, in the middle of a call. */
import {
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type ClientCapabilities,
  type InputRequest,
  type ServerContext,
} from '@modelcontextprotocol/server';

/** Where a live request says which of several questions it is: the legacy era has no place for that. */
const keyMember = 'modelhost/input-key';
const methodNotFound: number = ProtocolErrorCode.MethodNotFound;
/** As long as the suite may leave a question open. */
const answerTimeoutMs = 60_000;

/** Asks everything at once and waits for all answers. */
export async function askLive(
  requests: Readonly<Record<string, InputRequest>>,
  capabilities: ClientCapabilities,
  context: ServerContext,
): Promise<Readonly<Record<string, unknown>>> {
  const { signal, send } = context.mcpReq;
  const asked = Object.entries(requests).map(async ([key, { method, params }]) => {
    const needed = capabilityOf(method);
    const missing = new MissingRequiredClientCapabilityError({
      requiredCapabilities: { [needed]: {} },
    });
    if (capabilities[needed] === undefined) throw missing;
    const request = { method, params: { ...params, _meta: { [keyMember]: key } } };
    try {
      return [key, await send(request, { signal, timeout: answerTimeoutMs })] as const;
    } catch (cause) {
      // A client that asks for others can do what some of those cannot.
      throw isUnknownMethod(cause) ? missing : cause;
    }
  });
  return Object.fromEntries(await Promise.all(asked));
}

function isUnknownMethod(cause: unknown): boolean {
  return cause instanceof ProtocolError && cause.code === methodNotFound;
}

function capabilityOf(method: InputRequest['method']): 'elicitation' | 'sampling' | 'roots' {
  switch (method) {
    case 'elicitation/create':
      return 'elicitation';
    case 'sampling/createMessage':
      return 'sampling';
    case 'roots/list':
      return 'roots';
  }
}
