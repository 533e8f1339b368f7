import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import { errors, exportJWK } from 'jose';
import { createKeySet } from './key-set.ts';
import type { KeySet } from './key-set.ts';

const bounds = {
  maxAgeMs: 1_000,
  staleAgeMaxMs: 5_000,
  cooldownMs: 300,
  bytesMax: 4_096,
  keysMax: 4,
};
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = await exportJWK(publicKey);
const token = { payload: '', signature: '' };

interface TestKeys {
  readonly keys: KeySet;
  readonly world: { nowMs: number; fetches: number; answer: () => Response | Promise<Response> };
}

function keySetOf(...kids: readonly string[]): string {
  return JSON.stringify({ keys: kids.map((kid) => ({ ...jwk, kid })) });
}

function createTestKeys(): TestKeys {
  const world = { nowMs: 0, fetches: 0, answer: () => new Response(keySetOf('k1')) };
  const keys = createKeySet({
    url: 'https://idp.example.com/keys',
    now: () => world.nowMs,
    bounds,
    fetch: async () => {
      world.fetches += 1;
      return world.answer();
    },
  });
  return { keys, world };
}

function ask(keys: KeySet, kid: string): ReturnType<KeySet['keyFor']> {
  return keys.keyFor({ alg: 'ES256', kid }, token);
}

suite('keys of an issuer', () => {
  test('they are fetched once for all who need them, and again when they are old', async () => {
    const { keys, world } = createTestKeys();
    await Promise.all(Array.from({ length: 20 }, () => ask(keys, 'k1')));
    assert.equal(world.fetches, 1);
    world.nowMs = bounds.maxAgeMs;
    await ask(keys, 'k1');
    assert.equal(world.fetches, 2);
  });

  test('a thousand unknown key ids cause one fetch in each cooldown', async () => {
    const { keys, world } = createTestKeys();
    await ask(keys, 'k1');
    const askAll = async (): Promise<void> => {
      for (let at = 0; at < 500; at += 1) {
        await assert.rejects(ask(keys, `made-up-${at}`), errors.JWKSNoMatchingKey);
      }
    };
    await askAll();
    assert.equal(world.fetches, 1);
    world.nowMs = bounds.cooldownMs;
    await askAll();
    assert.equal(world.fetches, 2);
  });

  test('a new key of the issuer is found at once after the cooldown', async () => {
    const { keys, world } = createTestKeys();
    await ask(keys, 'k1');
    world.answer = () => new Response(keySetOf('k2'));
    world.nowMs = bounds.cooldownMs;
    await ask(keys, 'k2');
    assert.equal(world.fetches, 2);
  });

  test('while the issuer cannot be reached its old keys count, but not for ever', async () => {
    const { keys, world } = createTestKeys();
    await ask(keys, 'k1');
    world.answer = () => Promise.reject(new Error('no route'));
    world.nowMs = bounds.maxAgeMs;
    await ask(keys, 'k1');
    await ask(keys, 'k1');
    assert.equal(world.fetches, 2, 'one try in the cooldown');
    world.nowMs = bounds.staleAgeMaxMs;
    await assert.rejects(ask(keys, 'k1'), { code: 'overloaded' });
  });

  test('documents that are not key sets, or too large, give no keys', async () => {
    const answers: readonly (() => Response)[] = [
      () => new Response('{}'),
      () => new Response('not json'),
      () => new Response('{"keys":[1]}'),
      () => new Response(keySetOf('k1'), { status: 500 }),
      () => new Response(keySetOf('a', 'b', 'c', 'd', 'e')),
      () => new Response(`${keySetOf('k1')}${' '.repeat(5_000)}`),
    ];
    for (const answer of answers) {
      const { keys, world } = createTestKeys();
      world.answer = answer;
      await assert.rejects(ask(keys, 'k1'), {
        code: 'overloaded',
        retryAfterMs: bounds.cooldownMs,
      });
      await assert.rejects(ask(keys, 'k1'), { code: 'overloaded' });
      assert.equal(world.fetches, 1);
    }
  });

  test('a symmetric key in the document verifies nothing', async () => {
    const { keys, world } = createTestKeys();
    const oct = { kty: 'oct', kid: 'k1', k: 'c2VjcmV0', alg: 'HS256' };
    world.answer = () => new Response(JSON.stringify({ keys: [oct] }));
    await assert.rejects(keys.keyFor({ alg: 'HS256', kid: 'k1' }, token), errors.JOSEError);
  });
});
