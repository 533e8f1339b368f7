/** How a server of the legacy era asks its client: requests of its own, in the middle of a call. */
import {
  MissingRequiredClientCapabilityError,
  type ClientCapabilities,
  type InputRequest,
  type ServerContext,
} from '@modelcontextprotocol/server';

/** Where a live request says which of several questions it is: the legacy era has no place for that. */
const keyMember = 'modelhost/input-key';
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
    if (capabilities[needed] === undefined) {
      throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { [needed]: {} } });
    }
    const request = { method, params: { ...params, _meta: { [keyMember]: key } } };
    return [key, await send(request, { signal, timeout: answerTimeoutMs })] as const;
  });
  return Object.fromEntries(await Promise.all(asked));
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
