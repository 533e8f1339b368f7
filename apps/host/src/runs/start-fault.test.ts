import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { toStartFault } from './start-fault.ts';

test('a start without room on the disk names the directory and the remedy, wherever it was noticed', () => {
  const noRoom = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
  });
  const deep = new HostError('audit_unavailable', 'the audit log cannot be written', {
    cause: noRoom,
  });
  // A cause does not come out of a thread.
  const threaded = new HostError('storage_unavailable', 'decisions.db: the disk is full', {
    facts: { reason: 'disk_full' },
  });
  const sqlite = Object.assign(new Error('database or disk is full'), { errcode: 13 });
  for (const thrown of [noRoom, deep, sqlite, threaded]) {
    const fault = toStartFault(thrown, '/srv/data');
    assert.ok(fault instanceof HostError);
    assert.equal(fault.code, 'storage_unavailable');
    assert.deepEqual(fault.facts, { reason: 'disk_full' });
    assert.match(fault.message, /^\/srv\/data: .*; make room there, or set server\.dataDirectory/);
    assert.equal(fault.cause, thrown);
  }
});

test('a start that fails for another reason is told as it is', () => {
  const own = new HostError('storage_unavailable', 'journal.db: full', {
    cause: Object.assign(new Error('full'), { code: 'ENOSPC' }),
  });
  for (const thrown of [new Error('other'), own, 'text', undefined]) {
    assert.equal(toStartFault(thrown, '/srv/data'), thrown);
  }
});

test('damage that was found without its place is told with the directory', () => {
  const facts = { reason: 'corrupt' };
  const damaged = new HostError('storage_unavailable', 'the database is damaged', { facts });
  const fault = toStartFault(damaged, '/srv/data');
  assert.ok(fault instanceof HostError);
  assert.deepEqual([fault.message, fault.facts], ['/srv/data: the database is damaged', facts]);
  assert.equal(toStartFault(fault, '/srv/data'), fault);
});

test('a data directory that cannot be written, or that another host has, is named as such', () => {
  const codeAt = (code: string, path: string): Error =>
    Object.assign(new Error(`${code}: open '${path}'`), { code, path });
  const audit = new HostError('audit_unavailable', 'the audit file cannot be opened', {
    cause: codeAt('EROFS', '/srv/data/audit.jsonl'),
  });
  const locked = new HostError('audit_unavailable', 'another process', {
    facts: { reason: 'locked' },
  });
  const cases = [
    [audit, 'read_only', /^\/srv\/data: this directory cannot be written; /],
    [codeAt('EACCES', '/srv/data/store.json.new'), 'read_only', /server\.dataDirectory/],
    [Object.assign(new Error('unable to open'), { errcode: 14 }), 'read_only', /^\/srv\/data: /],
    [locked, 'locked', /^\/srv\/data: another host uses this data directory; stop it/],
  ] as const;
  for (const [thrown, reason, message] of cases) {
    const fault = toStartFault(thrown, '/srv/data');
    assert.ok(fault instanceof HostError);
    assert.deepEqual([fault.code, fault.facts], ['storage_unavailable', { reason }]);
    assert.match(fault.message, message);
  }
  // A file of policies is no part of it.
  const elsewhere = codeAt('EACCES', '/srv/policies/a.cedar');
  assert.equal(toStartFault(elsewhere, '/srv/data'), elsewhere);
});

test('what came up while the rest was closed hides nothing', () => {
  const first = new HostError('storage_unavailable', 'journal.db: is damaged');
  const closing = new Error('the audit log cannot be noted');
  const suppressed = new SuppressedError(closing, new SuppressedError(closing, first));
  assert.equal(toStartFault(suppressed, '/srv/data'), first);
});
