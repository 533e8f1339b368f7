import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { FacadeService } from './facade-service.ts';
import { createFakeRelay } from './fixtures/fake-relay.ts';
import { send } from './fixtures/http-client.ts';
import { openFacade } from './fixtures/open-facade.ts';

const guarded = '/access/v1/echo';
const open = '/.well-known/echo';
const service: FacadeService = {
  path: guarded,
  method: 'POST',
  isAuthenticated: true,
  resource: '/access/v1',
  answer: async (body, { principal, baseUrl }) => {
    if (body['code'] === 'fault') throw new Error('secret of ours');
    if (typeof body['code'] === 'string') {
      throw new HostError(body['code'] as 'not_found', `refused: ${body['code']}`);
    }
    return { body, tenant: principal?.tenant ?? '', baseUrl };
  },
};
const facade = await openFacade(createFakeRelay({}), {
  bounds: { bodyBytesMax: 1_000 },
  services: [
    service,
    { ...service, path: open, method: 'GET', isAuthenticated: false, answer: async () => ({}) },
  ],
});
after(() => facade.close());

const asked = (
  body: JsonObject | string,
  headers: Readonly<Record<string, string | undefined>> = {},
): ReturnType<typeof send> =>
  send(`${facade.url}${guarded}`, { headers: { 'x-request-id': 'r-1', ...headers }, body });

test('a service answers JSON, knows who asks, and gives the name of the request back', async () => {
  const { status, json, headers } = await asked({ a: 1 });
  assert.equal(status, 200);
  assert.deepEqual(json['body'], { a: 1 });
  assert.equal(json['baseUrl'], facade.url);
  assert.notEqual(json['tenant'], '');
  assert.equal(headers['x-request-id'], 'r-1');
});

test('nobody reaches a guarded service without a credential, and everybody an open one', async () => {
  assert.equal((await asked({}, { authorization: undefined })).status, 401);
  const { status } = await send(`${facade.url}${open}`, {
    method: 'GET',
    headers: { authorization: undefined },
  });
  assert.equal(status, 200);
});

test('refusals have the status that HTTP has for them, and plain JSON with the reason', async () => {
  const expected = {
    validation_failed: 400,
    permission_denied: 403,
    not_found: 404,
    overloaded: 429,
  };
  for (const [code, status] of Object.entries(expected)) {
    const reply = await asked({ code });
    assert.deepEqual([reply.status, reply.json], [status, { error: `refused: ${code}` }]);
  }
});

test('what is no JSON object, too large or of another type is refused before the service', async () => {
  assert.equal((await asked('{')).status, 400);
  assert.equal((await asked('[]')).status, 400);
  assert.equal((await asked('{"a":1,"a":2}')).status, 400);
  assert.equal((await asked({ a: 'x'.repeat(2_000) })).status, 413);
  assert.equal((await asked({}, { 'content-type': 'text/plain' })).status, 415);
  const { status } = await send(`${facade.url}${guarded}`, { method: 'GET' });
  assert.equal(status, 405);
});

test('a request id that could break a header is not given back', async () => {
  const { headers } = await asked({}, { 'x-request-id': 'x'.repeat(129) });
  assert.equal(headers['x-request-id'], undefined);
});

test('a fault of the service is told to nobody outside', async () => {
  const before = facade.faults.length;
  const { status, body } = await asked({ code: 'fault' });
  assert.equal(status, 500);
  assert.ok(!body.includes('secret'));
  assert.equal(facade.faults.length, before + 1);
});
