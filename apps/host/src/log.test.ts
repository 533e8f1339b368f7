import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadKeys } from '@modelhost/keys-file';
import { createHostRedactor } from '@modelhost/redaction';
import type { LogLevel } from './config/tree.ts';
import { createLog } from './log.ts';
import { hideKnown } from './redaction/hide-known.ts';

// Built from parts, so that no scanner takes them for real ones.
const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');
const body = ['MIIEvQIBADANBgkqhkiG9w0BAQEFAASC', 'Kx7Lq0c9VtYw3RZb5NfHjP8dMsUoGe2W'].join('\n');
const privateKey = ['-----BEGIN', `PRIVATE KEY-----\n${body}\n-----END`, 'PRIVATE KEY-----'].join(
  ' ',
);

const environmentValue = Buffer.alloc(32, 7).toString('base64');
const keys = await loadKeys({ path: 'unused', environmentValue });

function logged(
  write: (log: ReturnType<typeof createLog>) => void,
  level: LogLevel = 'debug',
): string {
  const lines: string[] = [];
  const redactor = hideKnown(
    createHostRedactor({ always: { secrets: 'token', email: 'token' }, keys }),
    ['correct-horse-battery'],
  );
  const destination = { write: (line: string) => void lines.push(line) };
  write(createLog({ level, version: '1', redactor, destination }));
  return lines.join('');
}

test('whatever part of a line has something in it, it is hidden there', () => {
  const text = logged((log) => {
    const child = log.child({ subject: 'ann@example.org' });
    child.info({ nested: { list: [`a ${token}`], [token]: 1 } }, `message of ${token}`);
    child.error({ err: new Error(`no ${token}`, { cause: new Error(privateKey) }) }, 'failed');
    child.debug({ server: 'files', source: 'stderr' }, `line\n${token}\tcorrect-horse-battery`);
  });
  for (const secret of [token, 'MIIEvQ', 'ann@example.org', 'correct-horse']) {
    assert.ok(!text.includes(secret), text);
  }
  const lines = text.trimEnd().split('\n');
  assert.equal(lines.length, 3);
  const [first, , third] = lines.map((line): unknown => JSON.parse(line));
  assert.partialDeepStrictEqual(first, {
    level: 'info',
    service: 'model-host',
    version: '1',
    subject: '[EMAIL]',
    nested: { list: ['a [SECRET]'], '[SECRET]': 1 },
    msg: 'message of [SECRET]',
  });
  assert.partialDeepStrictEqual(third, { msg: 'line\n[SECRET]\t[SECRET]' });
});

test('a line with nothing in it stays as it is, digests and ids too', () => {
  const told = {
    runId: 'run_0q3v8f6zk1m2x9c4b7n5a0s1d2f3g4h5j6k7l8p9',
    policyDigest: 'a3f5c9d0e1b27468'.repeat(4),
    grpcAddress: '127.0.0.1:7443',
    inputTokens: 4_111,
    durationMs: 12.5,
  };
  const [line = ''] = logged((log) => log.info(told, 'ready')).split('\n');
  assert.partialDeepStrictEqual(JSON.parse(line), { ...told, msg: 'ready' });
});
