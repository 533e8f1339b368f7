import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  BeginToolAuthorizationRequestSchema,
  FinishToolAuthorizationRequestSchema,
} from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import type { AuditRecord } from '@modelhost/kernel';
import { caller, openToolService, refusalOf } from '../fixtures/tool-service-world.ts';
import type { World } from '../fixtures/tool-service-world.ts';

suite('authorizing the host at a tool server', () => {
  const url = 'https://login.example/authorize?state=desk.1';
  const begin = (alias: string, world: World = {}, tenant = 'acme') => {
    const opened = openToolService(world);
    const request = create(BeginToolAuthorizationRequestSchema, { alias });
    return { ...opened, work: opened.service.beginToolAuthorization(request, caller(tenant)) };
  };
  const finish = (
    request: MessageInitShape<typeof FinishToolAuthorizationRequestSchema>,
    world: World = {},
    tenant = 'acme',
  ) => {
    const opened = openToolService(world);
    const message = create(FinishToolAuthorizationRequestSchema, request);
    return { ...opened, work: opened.service.finishToolAuthorization(message, caller(tenant)) };
  };
  const kept = (records: readonly AuditRecord[]) =>
    records.map(({ kind, tenant, actor, facts }) => ({ kind, tenant, actor, ...facts }));
  const common = { kind: 'tool-authorization', tenant: 'acme', actor: 'ann', server: 'desk' };

  test('gives the URL to open, or none when the host may act already, for the caller and on record', async () => {
    const needed = begin('desk', { begin: async () => url });
    assert.deepEqual(await needed.work, { authorizationUrl: url });
    assert.deepEqual(needed.authorizations, [['ann', 'desk']]);
    const about = { ...common, action: 'begin' };
    assert.deepEqual(kept(needed.records), [
      { ...about, phase: 'intent' },
      { ...about, phase: 'outcome', outcome: 'user-needed' },
    ]);
    const done = begin('desk');
    assert.deepEqual(await done.work, { authorizationUrl: '' });
    assert.equal(done.records.at(-1)?.facts['outcome'], 'authorized');
  });

  test('needs a server of the tenant, and its failure is on record', async () => {
    for (const [alias, tenant, code] of [
      ['vault', 'acme', 'not_found'],
      ['desk', 'beta', 'not_found'],
      ['', 'acme', 'validation_failed'],
    ] as const) {
      const { work, authorizations, records } = begin(alias, {}, tenant);
      assert.equal((await refusalOf(work)).code, code);
      assert.deepEqual([authorizations, records], [[], []]);
    }
    const { work, records } = begin('desk', {
      begin: async () => {
        throw new HostError('mcp_connection_failed', 'desk: it cannot be reached');
      },
    });
    assert.equal((await refusalOf(work)).code, 'mcp_connection_failed');
    assert.partialDeepStrictEqual(records.at(-1)?.facts, {
      outcome: 'failed',
      code: 'mcp_connection_failed',
    });
  });

  test('hands on what the browser brought, and keeps none of it on record', async () => {
    const iss = 'https://login.example';
    const callback = { state: 'desk.secret-state', code: 'secret-code' };
    const { work, authorizations, records } = finish({ ...callback, iss });
    assert.deepEqual(await work, {});
    assert.deepEqual(authorizations, [['ann', { ...callback, iss }]]);
    const about = { ...common, action: 'finish' };
    assert.deepEqual(kept(records), [
      { ...about, phase: 'intent' },
      { ...about, phase: 'outcome', outcome: 'authorized' },
    ]);
    const bare = finish(callback);
    await bare.work;
    assert.deepEqual(bare.authorizations, [['ann', callback]]);
  });

  test('refuses parameters that are missing or too long, and puts no text of a caller on record', async () => {
    for (const request of [
      { code: 'c' },
      { state: 'desk.1' },
      { state: 'desk.1', code: 'c'.repeat(4_097) },
    ]) {
      const { work, authorizations, records } = finish(request);
      assert.equal((await refusalOf(work)).code, 'validation_failed');
      assert.deepEqual([authorizations, records], [[], []]);
    }
    const none = async (): Promise<void> => {
      throw new HostError('failed_precondition', 'nothing waits for it');
    };
    for (const [state, tenant] of [
      ['a word of the caller', 'acme'],
      ['desk.1', 'beta'],
    ] as const) {
      const { work, records } = finish({ state, code: 'c' }, { finish: none }, tenant);
      assert.equal((await refusalOf(work)).code, 'failed_precondition');
      assert.deepEqual(
        records.map(({ facts }) => facts['server']),
        ['', ''],
      );
    }
  });
});
