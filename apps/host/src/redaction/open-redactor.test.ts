import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import type { Redactor } from '@modelhost/kernel';
import { loadKeys } from '@modelhost/keys-file';
import { changed, createConfigDirectory } from '../fixtures/configurations.ts';
import { openRedactor } from './open-redactor.ts';

const directory = createConfigDirectory();
after(() => directory.remove());
const environmentValue = Buffer.alloc(32, 7).toString('base64');
const keys = await loadKeys({ path: 'unused', environmentValue });
const keyOf = (tenant: string): string =>
  `{ id: ${tenant}, hash: 'sha256:${'0'.repeat(64)}', tenant: ${tenant}, subject: a }`;
const environment = {
  MAIN_KEY: 'tulip-gravel-nine',
  MODEL_HOST_MASTER_KEY: environmentValue,
  MH__SERVER__AUTH__APIKEYS: `[${keyOf('acme')}, ${keyOf('beta')}]`,
};

function redactorOf(section: string): Redactor {
  const yaml = changed('policies:\n', `redaction: ${section}\npolicies:\n`);
  return openRedactor(directory.read(yaml, environment), keys, environment);
}

function redactFor(redactor: Redactor, tenant: string, text: string): string {
  return redactor.open({ tenant, sessionId: 's' }).step().redact(text, {});
}

const text = 'Bluebird, Redstart and Wagtail';

test('terms of a tenant are hidden for that tenant, and all of them in what belongs to none', () => {
  writeFileSync(join(dirname(directory.file), 'terms.txt'), 'Wagtail\r\n\n');
  const redactor = redactorOf(
    '{ always: { term: token }, terms: { acme: [Bluebird], beta: [Redstart] }, termsFile: terms.txt }',
  );
  assert.equal(redactFor(redactor, 'acme', text), '[TERM], Redstart and [TERM]');
  assert.equal(redactFor(redactor, 'beta', text), 'Bluebird, [TERM] and [TERM]');
  assert.equal(redactFor(redactor, 'other', text), 'Bluebird, Redstart and [TERM]');
  assert.equal(redactor.redact(text), '[TERM], [TERM] and [TERM]');
});

test('a list of terms is that of every tenant', () => {
  const redactor = redactorOf('{ always: { term: token }, terms: [Bluebird] }');
  for (const tenant of ['acme', 'beta']) {
    assert.equal(redactFor(redactor, tenant, text), '[TERM], Redstart and Wagtail');
  }
});

test('secrets of the configuration are hidden by their value, the master key among them', () => {
  const told = `with tulip-gravel-nine and ${environmentValue}`;
  const redactor = redactorOf('{ always: { email: token } }');
  assert.equal(redactor.redact(told), 'with [SECRET] and [SECRET]');
  assert.equal(redactFor(redactor, 'acme', told), 'with [SECRET] and [SECRET]');
  assert.equal(redactorOf('{ always: {} }').redact(told), told);
});

test('a file with too many terms is refused', () => {
  writeFileSync(join(dirname(directory.file), 'many.txt'), 'a\n'.repeat(50_001));
  assert.throws(() => redactorOf('{ termsFile: many.txt }'), {
    code: 'config_invalid',
    message: /^redaction\.termsFile: many\.txt has more than 50000 lines/,
  });
});
