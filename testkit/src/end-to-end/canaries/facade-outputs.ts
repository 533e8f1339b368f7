import type { CanaryWorld } from './canary-world.ts';
import { chosenOffsets } from './planted-texts.ts';
import type { Output } from './search.ts';

/** What the listener for MCP clients tells: lists, calls, errors, and the answers of the decision point. */
export async function askFacade({ host, plan, text }: CanaryWorld): Promise<readonly Output[]> {
  const card = plan.of('facade-argument').find(({ kind }) => kind === 'card')?.value;
  const values = { text: text('facade-argument'), number: Number(card) };
  const authorization = `Bearer ${plan.own['caller-key'].value}`;
  const [question = ''] = text('question').split('\n');
  const subject = { type: 'user', id: question };
  const unknown = plan.of('tool-name')[0]?.value;
  const post = async (
    name: string,
    path: string,
    headers: object,
    body: object,
  ): Promise<Output> => {
    const response = await fetch(`http://${host.mcpAddress}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization, ...headers },
      body: JSON.stringify(body),
    });
    return { name, bytes: Buffer.from(await response.arrayBuffer()) };
  };

  async function ask(
    method: string,
    params: Readonly<Record<string, unknown>> = {},
  ): Promise<Output> {
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      progressToken: 'p',
    };
    const name = params['name'] ?? params['uri'];
    const headers = {
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    };
    const body = { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } };
    return post(`façade: ${method}`, '/mcp', headers, body);
  }

  const action = { name: 'CallTool' };
  const resource = { type: 'tool', id: 'tools__look', properties: { arguments: values } };
  const gathered = await Promise.all([
    readLong(ask),
    ask('tools/list'),
    ask('tools/call', { name: 'tools__look', arguments: values }),
    ask('tools/call', { name: 'tools__refuse', arguments: values }),
    ask('tools/call', { name: unknown, arguments: {} }),
    ask('server/discover'),
    ask('no-such-method'),
    post('AuthZEN', '/access/v1/evaluation', {}, { subject, action, resource }),
    post(
      'AuthZEN of nothing',
      '/access/v1/evaluation',
      {},
      { subject, action: { name: question }, resource },
    ),
    post(
      'AuthZEN of many',
      '/access/v1/evaluations',
      {},
      {
        subject,
        action,
        evaluations: [{ resource }, { resource: { type: question, id: question } }],
      },
    ),
  ]);
  return gathered.flat();
}

type Ask = (method: string, params: Readonly<Record<string, unknown>>) => Promise<Output>;

/** A result that is cut, all of it in the pieces that it is offered in, and pieces from elsewhere. */
async function readLong(ask: Ask): Promise<readonly Output[]> {
  const called = await ask('tools/call', { name: 'tools__long', arguments: {} });
  const [uri] = /tools\+result:[^"]+/.exec(called.bytes.toString()) ?? [];
  if (uri === undefined) throw new Error(`nothing to read on in ${called.bytes.toString()}`);
  const first = await ask('resources/read', { uri });
  const [, next = ''] = /next-offset":(\d+)/.exec(first.bytes.toString()) ?? [];
  const offsets = [...(next === '' ? [] : [next]), ...chosenOffsets];
  const others = offsets.map((offset) => ask('resources/read', { uri: `${uri}?offset=${offset}` }));
  return [called, first, ...(await Promise.all(others))];
}
