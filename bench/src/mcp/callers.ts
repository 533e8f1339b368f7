/** Clients that cost next to nothing: one pool of connections, messages written by hand. */
import { Pool } from 'undici';
import { echoMessage } from './echo.ts';

/** A client of one gateway. */
export interface Caller {
  /** One call of the echo; rejects when the answer is not the message. */
  readonly call: () => Promise<void>;
  /** One list of tools; gives how many there are. */
  readonly list: () => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Where a gateway is and what it calls the echo. */
export interface CallerOptions {
  readonly url: string;
  readonly tool: string;
  readonly authorization?: string;
}

const accept = 'application/json, text/event-stream';
const clientInfo = { name: 'bench', version: '1.0.0' };

/** Speaks 2026-07-28: every request says all of itself. */
export function createModernCaller(options: CallerOptions): Caller {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': clientInfo,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return createCaller(options, {
    meta,
    headers: (method) => ({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(method === 'tools/call' ? { 'mcp-name': options.tool } : {}),
    }),
  });
}

/** Speaks 2025-11-25, in one session. */
export async function createLegacyCaller(options: CallerOptions): Promise<Caller> {
  const { origin, pathname } = new URL(options.url);
  const pool = new Pool(origin);
  const version = { 'mcp-protocol-version': '2025-11-25' };
  const post = async (message: object, headers: Readonly<Record<string, string>>) => {
    const answer = await pool.request({
      path: pathname,
      method: 'POST',
      headers: { 'content-type': 'application/json', accept, ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
    return { headers: answer.headers, text: await answer.body.text() };
  };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  const opened = await post({ id: 0, method: 'initialize', params }, {});
  const session = opened.headers['mcp-session-id'];
  const headers = {
    ...version,
    ...(typeof session === 'string' ? { 'mcp-session-id': session } : {}),
  };
  await post({ method: 'notifications/initialized' }, headers);
  await pool.close();
  return createCaller(options, { headers: () => headers });
}

interface Wire {
  readonly headers: (method: string) => Readonly<Record<string, string>>;
  readonly meta?: object;
}

function createCaller({ url, tool, authorization }: CallerOptions, wire: Wire): Caller {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: 64, pipelining: 1 });
  const common = {
    'content-type': 'application/json',
    accept,
    ...(authorization === undefined ? {} : { authorization }),
  };
  let lastId = 0;

  async function request(method: string, params: object): Promise<Answer> {
    lastId += 1;
    const { body } = await pool.request({
      path: pathname,
      method: 'POST',
      headers: { ...common, ...wire.headers(method) },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: lastId,
        method,
        params: wire.meta === undefined ? params : { ...params, _meta: wire.meta },
      }),
    });
    return readAnswer(await body.text());
  }

  return {
    async call() {
      const { result } = await request('tools/call', {
        name: tool,
        arguments: { message: echoMessage },
      });
      if (result?.content?.[0]?.text !== echoMessage) throw new Error(`${url}: not the message`);
    },
    async list() {
      const { result } = await request('tools/list', {});
      return result?.tools?.length ?? 0;
    },
    close: async () => pool.close(),
  };
}

/** What the bench looks at in an answer. */
interface Answer {
  readonly result?: {
    readonly content?: readonly { readonly text?: string }[];
    readonly tools?: readonly unknown[];
  };
}

/** JSON, or a stream of events of which the last is the answer. */
function readAnswer(body: string): Answer {
  if (body.startsWith('{')) return JSON.parse(body) as Answer;
  const last = body.slice(body.lastIndexOf('\ndata:') + 6);
  return JSON.parse(last) as Answer;
}
