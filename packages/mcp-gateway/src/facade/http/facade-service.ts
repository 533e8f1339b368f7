import type { IncomingMessage, ServerResponse } from 'node:http';
import { HostError } from '@modelhost/kernel';
import type { JsonObject, Principal } from '@modelhost/kernel';
import { sendJson } from './http-answers.ts';
import type { AnswerHeaders } from './http-answers.ts';
import { readPostedJson } from './posted-json.ts';
import type { StrictJsonBounds } from './strict-json.ts';

/** Something beside MCP that answers JSON with JSON on the listener: behind its guards, bounds and authentication. */
export interface FacadeService {
  /** Its whole path, such as `/access/v1/evaluation`. */
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly isAuthenticated: boolean;
  /** Path that stands for it in the audience of access tokens. */
  readonly resource: string;
  /** Answers with 200; a `HostError` becomes the status that HTTP has for it. `body` is empty for a GET. */
  answer(body: JsonObject, caller: FacadeServiceCaller): Promise<JsonObject>;
}

/** Who asks a service. */
export interface FacadeServiceCaller {
  /** Undefined on a route that is not authenticated. */
  readonly principal: Principal | undefined;
  /** The listener as clients see it, without a path. */
  readonly baseUrl: string;
}

interface Asked extends FacadeServiceCaller {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly bodyBounds: StrictJsonBounds;
}

const statuses: Partial<Record<HostError['code'], number>> = {
  validation_failed: 400,
  permission_denied: 403,
  not_found: 404,
  overloaded: 429,
};

/** Answers one request of a service. Faults that are not the caller's are thrown. */
export async function serveFacadeService(service: FacadeService, asked: Asked): Promise<void> {
  const { request, response, bodyBounds, principal, baseUrl } = asked;
  const headers = requestIdOf(request);
  const refuse = (status: number, error: string): void => {
    const ending: AnswerHeaders = status === 413 ? { connection: 'close' } : {};
    sendJson(response, status, { error }, { ...headers, ...ending });
  };
  const body = service.method === 'GET' ? {} : await readPostedJson(request, bodyBounds, refuse);
  if (body === undefined) return;
  try {
    sendJson(response, 200, await service.answer(body, { principal, baseUrl }), headers);
  } catch (thrown) {
    const status = thrown instanceof HostError ? statuses[thrown.code] : undefined;
    if (!(thrown instanceof HostError) || status === undefined) throw thrown;
    refuse(status, thrown.message);
  }
}

/** The caller's own name for the request goes back to it, as AuthZEN asks for (section 10.1.3). */
function requestIdOf(request: IncomingMessage): AnswerHeaders {
  const id = request.headers['x-request-id']?.toString() ?? '';
  return /^[\x21-\x7e]{1,128}$/.test(id) ? { 'x-request-id': id } : {};
}
