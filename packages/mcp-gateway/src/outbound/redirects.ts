import { HostError } from '@modelhost/kernel';
import { sendOnce } from './wire-exchange.ts';
import type { Wire, WireAnswer, WireRequest } from './wire-exchange.ts';

const redirectsMax = 3;

/**
 * Follows redirects within the origin only, and only those that keep the method; any other is handed back as the answer.
 * So no credential ever reaches another origin.
 */
export async function sendWithinOrigin(wire: Wire, request: WireRequest): Promise<WireAnswer> {
  let { url } = request;
  for (let followed = 0; followed <= redirectsMax; followed += 1) {
    const answer = await sendOnce(wire, { ...request, url });
    const target = readTarget(answer, url, request.method);
    if (target === undefined) return answer;
    url = target;
  }
  const message = `${wire.server}: more than ${redirectsMax} redirects`;
  throw new HostError('mcp_connection_failed', message, { facts: { server: wire.server } });
}

function readTarget(
  { status, headers, body }: WireAnswer,
  from: URL,
  method: string,
): URL | undefined {
  const keepsMethod = status === 307 || status === 308 || method === 'GET';
  const location = headers['location'];
  if (status < 300 || status > 399 || !keepsMethod || location === undefined) return undefined;
  if (body.type === 'stream' || !URL.canParse(location, from)) return undefined;
  const target = new URL(location, from);
  const isSafe = target.origin === from.origin && target.username === '' && target.password === '';
  return isSafe ? target : undefined;
}
