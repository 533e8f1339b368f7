import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { until } from '../../fixtures/start-gateway.ts';
import { createFakeRelay, textResult } from './fixtures/fake-relay.ts';
import type { FakeRelay, FakeTool } from './fixtures/fake-relay.ts';
import { openFacade } from './fixtures/open-facade.ts';

const modes = ['legacy', 'auto'] as const;

interface Connected {
  readonly client: Client;
  readonly relay: FakeRelay;
  /** Names of the calls `wait` that were aborted. */
  readonly aborted: readonly unknown[];
  /** Notifications of changes that the client got. */
  readonly changes: readonly string[];
}

async function connect(context: TestContext, mode: (typeof modes)[number]): Promise<Connected> {
  const aborted: unknown[] = [];
  const changes: string[] = [];
  const wait: FakeTool = (values, { signal, onProgress }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        aborted.push(values['as']);
        reject(signal.reason);
      });
      onProgress?.({ progress: 1, total: 2, message: 'half' });
    });
  const ask: FakeTool = (_values, _context, { inputResponses, requestState }) =>
    inputResponses === undefined
      ? {
          kind: 'input-required',
          requestState: 'of-the-upstream',
          inputRequests: {
            name: {
              method: 'elicitation/create',
              params: {
                mode: 'form',
                message: 'Who?',
                requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
              },
            },
            poem: {
              method: 'sampling/createMessage',
              params: {
                messages: [{ role: 'user', content: { type: 'text', text: 'poem' } }],
                maxTokens: 9,
              },
            },
          },
        }
      : textResult(JSON.stringify([requestState, inputResponses]));
  const relay = createFakeRelay({ wait, ask });
  const facade = await openFacade(relay);
  const client = new Client(
    { name: 'test', version: '1' },
    {
      capabilities: { elicitation: {}, sampling: {} },
      versionNegotiation: { mode },
      listChanged: {
        tools: { autoRefresh: false, debounceMs: 0, onChanged: () => changes.push('tools') },
      },
    },
  );
  client.setRequestHandler('elicitation/create', () => ({
    action: 'accept',
    content: { name: 'ann' },
  }));
  client.setRequestHandler('sampling/createMessage', () => ({
    role: 'assistant',
    model: 'poet',
    content: { type: 'text', text: 'roses' },
  }));
  const requestInit = { headers: { authorization: 'Bearer acme.ann' } };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${facade.url}/mcp`), { requestInit }),
  );
  context.after(async () => {
    await client.close();
    await facade.close();
    assert.deepEqual(facade.faults, []);
  });
  return { client, relay, aborted, changes };
}

for (const mode of modes) {
  suite(`the SDK's client as a guest, ${mode}`, () => {
    test('lists, answers what a tool asks for, and gets the result', async (context) => {
      const { client } = await connect(context, mode);
      const { tools } = await client.listTools();
      assert.deepEqual(
        tools.map(({ name }) => name),
        ['wait', 'ask'],
      );
      const { content } = await client.callTool({ name: 'ask', arguments: {} });
      const [part] = content;
      assert.ok(part?.type === 'text');
      assert.deepEqual(JSON.parse(part.text), [
        'of-the-upstream',
        {
          name: { action: 'accept', content: { name: 'ann' } },
          poem: { role: 'assistant', model: 'poet', content: { type: 'text', text: 'roses' } },
        },
      ]);
      const { resources } = await client.listResources();
      assert.equal(resources.length, 1);
    });

    test('hears of progress and cancels its own call only', async (context) => {
      const { client, aborted } = await connect(context, mode);
      const progress: unknown[] = [];
      const calls = ['a', 'b'].map((as) => {
        const abort = new AbortController();
        const done = client.callTool(
          { name: 'wait', arguments: { as } },
          { signal: abort.signal, onprogress: (told) => progress.push(told) },
        );
        done.catch(() => undefined);
        return { abort, done };
      });
      await until(() => progress.length === 2);
      assert.deepEqual(progress[0], { progress: 1, total: 2, message: 'half' });
      calls[1]?.abort.abort();
      await until(() => aborted.length > 0);
      assert.deepEqual(aborted, ['b']);
      calls[0]?.abort.abort();
      await until(() => aborted.length > 1);
    });

    test('hears that the tools changed', async (context) => {
      const { relay, changes } = await connect(context, mode);
      await until(() => {
        relay.change({ type: 'tools', alias: 'up' });
        return changes.length > 0;
      });
      assert.equal(changes[0], 'tools');
    });
  });
}
