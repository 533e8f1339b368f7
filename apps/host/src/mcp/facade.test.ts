import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import { askMcp } from '../fixtures/mcp-request.ts';
import { keys, startTestHost } from '../fixtures/started-host.ts';
import type { StartedHost } from '../fixtures/started-host.ts';

const policy = `
@id("desk.echo") @message("acme may echo")
permit (principal, action == ModelHost::Action::"desk__echo", resource)
when { principal.tenant == ModelHost::Tenant::"acme" && context.agent == "mcp" };
@id("desk.note") @message("alice reads the note")
permit (principal == ModelHost::User::"acme/alice", action in ModelHost::Action::"CallTool", resource)
when { resource.name == "desk__mcp-resources-read" };
@id("desk.answers") @message("answers may be read")
permit (principal, action == ModelHost::Action::"AcceptToolResult", resource);
@id("desk.erase") @message("may erase") permit (principal, action == ModelHost::Action::"desk__erase", resource);
@id("desk.ask") @message("erasing needs a lead") @remedy("approval") @approvers("lead")
forbid (principal, action == ModelHost::Action::"desk__erase", resource)
unless { context has approval && context.approval.callDigest == context.callDigest };
`;

const path = fileURLToPath(new URL('../fixtures/desk-server.ts', import.meta.url));
const desk = {
  alias: 'desk',
  command: process.execPath,
  args: [path],
  tenants: ['acme'],
  effects: { echo: 'none' },
};

type Answer = {
  readonly status: number;
  readonly body: JsonObject & { readonly result?: JsonObject };
};

suite('the façade of a host', () => {
  const state: { started?: StartedHost } = {};

  before(async () => {
    state.started = await startTestHost({
      policy,
      mcp: { port: 0, views: [{ name: 'default' }, { name: 'bare', naming: 'none' }] },
      tools: { servers: [desk] },
    });
    const client = state.started.connect();
    for (;;) {
      // The catalogue comes with the first connection; each look is an answer of the host.
      const { tools } = await client.listTools(); // oxlint-disable-line no-await-in-loop
      if (tools.length > 0) break;
    }
  });

  after(async () => state.started?.[Symbol.asyncDispose]());

  async function ask(
    method: string,
    params: JsonObject = {},
    { key = keys.alice.key, view = '/mcp' }: { readonly key?: string; readonly view?: string } = {},
  ): Promise<Answer> {
    const response = await askMcp(`http://${state.started?.host.mcpAddress}${view}`, method, {
      params,
      ...(key === '' ? {} : { bearer: key }),
    });
    // The façade answers JSON when there is nothing to stream.
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  function textOf({ body }: Answer): string {
    return JSON.stringify(body.result?.['content'] ?? body['error'] ?? null);
  }

  const namesOf = (answer: Answer): readonly string[] =>
    // A list of tools has names.
    ((answer.body.result?.['tools'] ?? []) as readonly { readonly name: string }[]).map(
      ({ name }) => name,
    );

  function records(): readonly JsonObject[] {
    const text = readFileSync(state.started?.host.auditPath ?? '', 'utf8');
    return (
      text
        .trim()
        .split('\n')
        // Each line is a record.
        .map((line) => JSON.parse(line) as JsonObject)
    );
  }

  test('an allowed call is answered, and decision, intent and outcome are on record', async () => {
    const answer = await ask('tools/call', {
      name: 'desk__echo',
      arguments: { text: 'secret-word' },
    });
    assert.equal(answer.status, 200);
    assert.match(textOf(answer), /secret-word/);
    const mine = records().filter(
      ({ facts }) => isJsonObject(facts) && facts['tool'] === 'desk__echo',
    );
    assert.deepEqual(
      mine.map(({ kind, tenant, actor }) => [kind, tenant, actor]),
      ['decision', 'intent', 'outcome'].map((kind) => [kind, 'acme', 'alice']),
    );
    assert.doesNotMatch(JSON.stringify(records()), /secret-word/);
  });

  test('a call that policy denies is refused with the reason, and the tool is never called', async () => {
    const answer = await ask('tools/call', { name: 'desk__where', arguments: { text: 'hello' } });
    assert.match(textOf(answer), /default-deny/);
    assert.doesNotMatch(textOf(answer), /hello/);
  });

  test('a call that needs an approval is refused and says so', async () => {
    const answer = await ask('tools/call', { name: 'desk__erase', arguments: { text: '' } });
    assert.match(textOf(answer), /approval/);
    assert.match(textOf(answer), /desk\.ask/);
  });

  test('a resource is read only by whom policy allows', async () => {
    const uri = 'desk+note://one';
    const allowed = await ask('resources/read', { uri });
    assert.match(JSON.stringify(allowed.body), /the note/);
    const denied = await ask('resources/read', { uri }, { key: keys.bob.key });
    assert.doesNotMatch(JSON.stringify(denied.body), /the note/);
    assert.match(JSON.stringify(denied.body), /default-deny/);
  });

  test('a list has what could be allowed or approved, and not what is always denied', async () => {
    assert.deepEqual(namesOf(await ask('tools/list')), ['desk__echo', 'desk__erase']);
  });

  test('a resource that may not be read is not watched either, and the client hears why', async () => {
    const notifications = { resourceSubscriptions: ['desk+note://one'] };
    const denied = await ask('subscriptions/listen', { notifications }, { key: keys.bob.key });
    assert.match(JSON.stringify(denied.body), /default-deny/);
  });

  test('a tenant that may not see a server has neither its tools nor its calls', async () => {
    assert.deepEqual(namesOf(await ask('tools/list', {}, { key: keys.carol.key })), []);
    const hidden = await ask(
      'tools/call',
      { name: 'desk__echo', arguments: { text: 'x' } },
      { key: keys.carol.key },
    );
    const absent = await ask(
      'tools/call',
      { name: 'none__echo', arguments: { text: 'x' } },
      { key: keys.carol.key },
    );
    assert.equal(
      JSON.stringify(hidden.body).replace('desk__', 'none__'),
      JSON.stringify(absent.body),
    );
  });

  test('a view has names of its own, and the same rules', async () => {
    const view = '/mcp/bare';
    assert.deepEqual(namesOf(await ask('tools/list', {}, { view })), ['echo', 'erase']);
    const allowed = await ask('tools/call', { name: 'echo', arguments: { text: 'hi' } }, { view });
    assert.match(textOf(allowed), /hi/);
    const denied = await ask('tools/call', { name: 'where', arguments: { text: '' } }, { view });
    assert.match(textOf(denied), /default-deny/);
  });

  test('without a good key nothing is answered', async () => {
    for (const key of ['', 'mh_wrong', `${keys.alice.key}x`]) {
      assert.equal((await ask('tools/list', {}, { key })).status, 401);
    }
  });
});
