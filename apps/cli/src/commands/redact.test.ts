import assert from 'node:assert/strict';
import { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { runHere } from '../testing.ts';

// Built from parts, so that no scanner takes it for a real one.
const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');
const prose = 'Nothing to see here, not even on the second line.\nOr the third: 😀 日本語\r\n';

interface Filtered {
  readonly code: number | null;
  readonly output: string;
  readonly stderr: string;
}

async function filter(
  args: readonly string[],
  input: Readable,
  environment: Readonly<Record<string, string>> = {},
): Promise<Filtered> {
  const written: Buffer[] = [];
  const output = new Writable({
    highWaterMark: 1,
    write(bytes: Buffer, _encoding, done) {
      written.push(bytes);
      setImmediate(done);
    },
  });
  const { code, stdout, stderr } = await runHere(['redact', ...args], {
    environment,
    streams: { input, output },
  });
  assert.equal(stdout, '');
  return { code, output: Buffer.concat(written).toString(), stderr };
}

function bytesOf(text: string, size = 7): Readable {
  const bytes = Buffer.from(text);
  const count = Math.ceil(bytes.length / size);
  return Readable.from(
    Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size)),
  );
}

test('what has nothing in it passes as it is, and the exit code says so', async () => {
  assert.deepEqual(await filter([], bytesOf(`\ufeff${prose}`, 1)), {
    code: 0,
    output: `\ufeff${prose}`,
    stderr: '',
  });
});

test('a secret is hidden wherever the input is cut, and the exit code says so', async () => {
  for (const size of [1, 2, 7, 4_096]) {
    const { code, output, stderr } = await filter([], bytesOf(`My token: ${token}, keep it`, size));
    assert.deepEqual([code, output, stderr], [1, 'My token: [SECRET], keep it', '']);
  }
});

test('text in which nothing would be found because of its encoding is refused', async () => {
  const bytes = Buffer.from(`a ${token}`, 'utf16le');
  for (const input of [
    bytes,
    Buffer.concat([Buffer.from([0xff, 0xfe]), bytes]),
    Buffer.from([0xfe, 0xff, 0]),
  ]) {
    for (const size of [1, 64]) {
      const chunks = Array.from({ length: Math.ceil(input.length / size) }, (_, at) =>
        input.subarray(at * size, (at + 1) * size),
      );
      const { code, output, stderr } = await filter([], Readable.from(chunks));
      assert.equal(code, 2);
      assert.ok(!output.replaceAll('\u0000', '').includes(token));
      assert.match(stderr, /UTF-16/);
    }
  }
});

test('findings are explained by place and detector, never by value', async () => {
  const { stderr } = await filter(['--explain'], bytesOf(`${prose}a ${token}\n\n${token}\n`));
  assert.equal(stderr, '3:3 github-pat SECRET\n5:1 github-pat SECRET\n');
});

test('style and detectors can be chosen', async () => {
  const masked = await filter(['--style', 'mask'], bytesOf(token));
  assert.equal(masked.output, '********');
  const environment = { MODEL_HOST_REDACT_KEY: 'a long random text' };
  const hashed = await filter(['--style', 'hash'], bytesOf(token), environment);
  assert.match(hashed.output, /^\[SECRET:[0-9a-f]{12}\]$/);
  const emails = await filter(['--detectors', 'email,card'], bytesOf(`${token} ann@example.com`));
  assert.equal(emails.output, `${token} [EMAIL]`);
  const terms = await filter(['--term', 'Project Blue'], bytesOf('about project blue, today'));
  assert.equal(terms.output, 'about [TERM], today');
});

test('whatever goes wrong is 2, so that it is no finding', async () => {
  const unknown = await filter(['--detectors', 'emial'], bytesOf(token));
  assert.deepEqual([unknown.code, unknown.output], [2, '']);
  assert.match(
    unknown.stderr,
    /^--detectors: there is no detector "emial"\nnext: use secrets, email, .* or the name of a single rule/,
  );
  const keyless = await filter(['--style', 'hash'], bytesOf(token));
  assert.deepEqual([keyless.code, keyless.output], [2, '']);
  assert.match(keyless.stderr, /MODEL_HOST_REDACT_KEY/);
  const broken = Readable.from(
    (function* give() {
      yield Buffer.from(`Here it is: ${token.slice(0, 30)}`);
      throw new Error('disk on fire');
    })(),
  );
  const { code, output, stderr } = await filter([], broken);
  assert.deepEqual([code, output, stderr], [2, 'Here it is: ', 'disk on fire\n']);
});
