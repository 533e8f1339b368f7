import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadKeys } from '@modelhost/keys-file';
import { createHostRedactor } from '@modelhost/redaction';
import { createServerLog } from './server-log.ts';

const environmentValue = Buffer.alloc(32, 7).toString('base64');
const keys = await loadKeys({ path: 'unused', environmentValue });
const redactor = createHostRedactor({ always: { secrets: 'token' }, keys });

/** Logs lines of a server; gives what was shown at once, and what after a pause. */
function logged(lines: readonly string[]): { readonly atOnce: string[]; readonly later: string[] } {
  const shown: string[] = [];
  const timers = new Set<() => void>();
  const log = createServerLog({
    redactor,
    clock: {
      setTimer: (_delayMs, callback) => {
        timers.add(callback);
        return () => timers.delete(callback);
      },
    },
    write: ({ server, source, message }) => void shown.push(`${server} ${source}: ${message}`),
  });
  for (const message of lines) log({ server: 'files', source: 'stderr', message });
  const atOnce = [...shown];
  for (const callback of timers) callback();
  return { atOnce, later: shown.slice(atOnce.length) };
}

test('plain lines are shown at once, each as it is', () => {
  const lines = ['ready', '', '  listening on stdio, as ever'];
  assert.deepEqual(logged(lines), {
    atOnce: lines.map((line) => `files stderr: ${line}`),
    later: [],
  });
});

// Built from parts, so that no scanner takes it for a real one.
const [begin, end] = ['-----BEGIN', '-----END'].map((word) => `${word} PRIVATE KEY-----`);
const body = ['MIIEvQIBADANBgkqhkiG9w0BAQEFAASC', 'Kx7Lq0c9VtYw3RZb5NfHjP8dMsUoGe2W'];

test('a private key over many lines is hidden, whole or broken off', () => {
  const whole = logged([`key: ${begin}`, ...body, `${end}`, 'and on']);
  assert.deepEqual(whole, {
    atOnce: ['files stderr: key: [SECRET]', 'files stderr: and on'],
    later: [],
  });
  const broken = logged([`key: ${begin}`, ...body]);
  assert.deepEqual(broken.later.join('\n').replace(/\[SECRET\]/g, ''), 'files stderr: key: ');
});

test('a line that may be the beginning of a value is shown after a pause', () => {
  for (const line of ['the password is:', 'version 1.2.3']) {
    assert.deepEqual(logged([line]), { atOnce: [], later: [`files stderr: ${line}`] });
  }
});
