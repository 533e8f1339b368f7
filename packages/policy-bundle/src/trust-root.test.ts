import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson, HostError, type Json } from '@modelhost/kernel';
import { preAuthEncoding } from './envelope.ts';
import {
  ada,
  ben,
  cleo,
  dan,
  eve,
  finn,
  gus,
  makeTrust,
  rootDraft,
  trustKey,
} from './fixtures/signed-bundles.ts';
import type { Signer } from './keys.ts';
import { readTrustRoot, type TrustRootConditions } from './read-trust-root.ts';
import type { BundleRefusal } from './refusals.ts';
import { createTrustRoot, signTrustRoot, type TrustRootDraft } from './sign-trust-root.ts';
import { trustRootPayloadType, type TrustRoot } from './trust-root.ts';

/** Two of three keys make a root: ada, gus and eve. */
const draft: TrustRootDraft = {
  version: 1,
  expires: '2027-12-01T00:00:00Z',
  keys: [
    trustKey(ada, ['root', 'platform', 'tenant:*']),
    trustKey(gus, ['root']),
    trustKey(eve, ['root'], '2026-07-01T00:00:00Z'),
  ],
  thresholds: { root: 2, platform: 1, tenant: 1 },
  revoked: [],
};
const first = take(sign(draft, [ada, gus]));
/** The second root: eve and gus go, dan and ben come. */
const next: TrustRootDraft = {
  ...draft,
  version: 2,
  keys: [
    trustKey(ada, ['root', 'platform', 'tenant:*']),
    trustKey(dan, ['root']),
    trustKey(ben, ['root']),
  ],
  revoked: [eve.keyId],
};

function sign(content: TrustRootDraft, signers: readonly Signer[]): string {
  return signTrustRoot(createTrustRoot(content), signers);
}

function take(text: string, previous?: TrustRoot, conditions?: TrustRootConditions): TrustRoot {
  return readTrustRoot(Buffer.from(text), previous, conditions);
}

/** A root with some members replaced that nobody could make with our own tools, signed all the same. */
function forge(changes: Readonly<Record<string, Json>>): string {
  // The payload of a root is an object.
  const payload = JSON.parse(createTrustRoot(draft).toString()) as Record<string, Json>;
  const bytes = Buffer.from(canonicalJson({ ...payload, ...changes }));
  const signatures = [ada, gus].map((signer) => ({
    keyid: signer.keyId,
    sig: signer.sign(preAuthEncoding(trustRootPayloadType, bytes)).toString('base64'),
  }));
  return JSON.stringify({
    payloadType: trustRootPayloadType,
    payload: bytes.toString('base64'),
    signatures,
  });
}

function assertRefused(refusal: BundleRefusal, message: RegExp, read: () => unknown): void {
  assert.throws(read, (error: unknown) => {
    assert.ok(error instanceof HostError);
    assert.equal(error.code, 'config_invalid');
    assert.equal(error.facts['refusal'], refusal);
    assert.match(error.message, message);
    assert.match(error.message, /^trust root: .+; .+$/);
    return true;
  });
}

/** The keys as they stand in a payload. */
function packedKeys(): Record<string, Json>[] {
  return first.keys.map((key) => ({ ...key }));
}

test('the first root is taken when its own keys signed it', () => {
  assert.equal(first.version, 1);
  assert.deepEqual(first.thresholds, draft.thresholds);
  assert.deepEqual(
    first.keys.map(({ keyId }) => keyId),
    [ada, gus, eve].map(({ keyId }) => keyId).sort(),
  );
  assert.match(first.digest, /^[0-9a-f]{64}$/);
  assertRefused('threshold', /1 of the 2 distinct keys/, () => take(sign(draft, [ada])));
  assertRefused('unknown-key', /version 1/, () => take(sign(draft, [ben, dan])));
});

test('a key without the scope root counts for no root', () => {
  const keys = [...draft.keys, trustKey(ben, ['platform', 'tenant:*'])];
  assertRefused('threshold', /\(key-scope\)/, () => take(sign({ ...draft, keys }, [ada, ben])));
});

test('the pin of the operator is held to', () => {
  const text = sign(draft, [ada, gus]);
  assert.equal(take(text, undefined, { digest: first.digest }).digest, first.digest);
  assertRefused('manifest', /digest: is not the one that is pinned/, () =>
    take(text, undefined, { digest: '0'.repeat(64) }),
  );
});

test('the next root is taken when enough keys of both signed it', () => {
  const second = take(sign(next, [ada, gus, dan]), first);
  assert.equal(second.version, 2);
  assert.deepEqual(second.revoked, [eve.keyId]);
  assert.equal(take(sign(next, [ada, gus, dan]), second).version, 2);
  assert.equal(take(sign({ ...next, version: 3 }, [dan, ben]), second).version, 3);
});

const refusedSuccessors: readonly {
  readonly title: string;
  readonly refusal: BundleRefusal;
  readonly message: RegExp;
  readonly text: string;
}[] = [
  {
    title: 'without enough keys of the root before',
    refusal: 'threshold',
    message: /1 of the 2 distinct keys that root version 1 needs/,
    text: sign(next, [ada, dan, ben]),
  },
  {
    title: 'by new keys only',
    refusal: 'unknown-key',
    message: /root version 1/,
    text: sign(next, [dan, ben]),
  },
  {
    title: 'without enough keys of its own',
    refusal: 'threshold',
    message: /1 of the 2 distinct keys that root version 2 needs/,
    text: sign(next, [ada, gus, eve]),
  },
  {
    title: 'that skips a version',
    refusal: 'manifest',
    message: /version: must be 2/,
    text: sign({ ...next, version: 3 }, [ada, gus, dan]),
  },
  {
    title: 'of the same version with other content',
    refusal: 'revision-rollback',
    message: /version: must be 2/,
    text: sign({ ...next, version: 1 }, [ada, gus, dan]),
  },
  {
    title: 'that lowers the threshold by itself',
    refusal: 'threshold',
    message: /1 of the 2 distinct keys that root version 1 needs/,
    text: sign({ ...next, thresholds: { root: 1, platform: 1, tenant: 1 } }, [ada]),
  },
];

for (const { title, refusal, message, text } of refusedSuccessors) {
  test(`a root is refused ${title}`, () => {
    assertRefused(refusal, message, () => take(text, first));
  });
}

test('a revoked key signs no root and never comes back', () => {
  const second = take(sign(next, [ada, gus, dan]), first);
  const third = { ...next, version: 3 };
  assertRefused('threshold', /\(revoked-key\)/, () => take(sign(third, [ada, eve]), second));
  const returned = { ...third, revoked: [], keys: [...next.keys, trustKey(eve, ['root'])] };
  assertRefused('revoked-key', /revoked: lacks [0-9a-f]{64}, which the root before revoked/, () =>
    take(sign(returned, [ada, dan]), second),
  );
  // Nor in two steps, of which the first leaves it out of both lists.
  assertRefused('revoked-key', /^trust root: revoked: lacks /, () =>
    take(sign({ ...third, revoked: [] }, [ada, dan]), second),
  );
  const listed = { ...returned, revoked: [eve.keyId] };
  assert.equal(take(sign(listed, [ada, dan]), second).version, 3);
});

test('with the time, what is over is refused; without, a root that was taken before stays readable', () => {
  const nowMs = Date.parse('2026-11-25T12:00:00Z');
  const byEve = sign(draft, [ada, eve]);
  assert.equal(take(byEve).version, 1);
  assertRefused('threshold', /\(expired-key\)/, () => take(byEve, undefined, { nowMs }));
  const lateMs = Date.parse('2027-12-01T00:05:00Z');
  const text = sign(draft, [ada, gus]);
  assert.equal(take(text, undefined, { nowMs: lateMs - 1 }).version, 1);
  assertRefused('trust-root-expired', /expires: has passed/, () =>
    take(text, undefined, { nowMs: lateMs }),
  );
  const alone = { ...draft, keys: draft.keys.slice(0, 1).concat(draft.keys.slice(2)) };
  assert.equal(take(sign(alone, [ada, eve])).version, 1);
  assertRefused('threshold', /thresholds\.root: 2, and only 1 usable/, () =>
    take(sign(alone, [ada, eve]), undefined, { nowMs }),
  );
});

const wrongFields: readonly {
  readonly title: string;
  readonly field: string;
  readonly changes: Readonly<Record<string, Json>>;
}[] = [
  ...['root', 'platform', 'tenant'].flatMap((role) =>
    [0, -1, 0.5, 17, '1', null].map((threshold) => ({
      title: `the threshold ${JSON.stringify(threshold)} for ${role}`,
      field: `thresholds.${role}`,
      changes: { thresholds: { root: 1, platform: 1, tenant: 1, [role]: threshold } },
    })),
  ),
  {
    title: 'a threshold that is missing',
    field: 'thresholds.tenant',
    changes: { thresholds: { root: 1, platform: 1 } },
  },
  { title: 'another format', field: 'formatVersion', changes: { formatVersion: 2 } },
  { title: 'version 0', field: 'version', changes: { version: 0 } },
  { title: 'a time', field: 'expires', changes: { expires: '2027' } },
  { title: 'keys that are no list', field: 'keys', changes: { keys: {} } },
  {
    title: 'more keys than anybody keeps',
    field: 'keys',
    changes: { keys: Array.from({ length: 65 }, () => null) },
  },
  { title: 'a key that is no object', field: 'keys[0]', changes: { keys: ['key'] } },
  {
    title: 'a key of another name',
    field: 'keys[0].keyId',
    changes: { keys: [{ ...packedKeys()[0], keyId: 'f'.repeat(64) }] },
  },
  {
    title: 'a key twice',
    field: 'keys[1].keyId',
    changes: { keys: [packedKeys()[0] ?? null, packedKeys()[0] ?? null] },
  },
  {
    title: 'a key that is none',
    field: 'keys[0].publicKeyPem',
    changes: { keys: [{ ...packedKeys()[0], publicKeyPem: 'key' }] },
  },
  {
    title: 'a key in another encoding',
    field: 'keys[0].publicKeyPem',
    changes: { keys: [{ ...packedKeys()[0], publicKeyPem: `\n${ada.publicKeyPem}` }] },
  },
  {
    title: 'a scope that is none',
    field: 'keys[0].scopes',
    changes: { keys: [{ ...packedKeys()[0], scopes: ['tenant'] }] },
  },
  { title: 'a revoked key by its name', field: 'revoked', changes: { revoked: ['eve'] } },
  { title: 'a field that nobody knows', field: 'comment', changes: { comment: '' } },
];

for (const { title, field, changes } of wrongFields) {
  test(`a root is refused for ${title}`, () => {
    assert.throws(
      () => take(forge(changes)),
      (error: unknown) =>
        error instanceof HostError && error.message.startsWith(`trust root: ${field}: `),
    );
  });
}

test('a threshold that no keys can reach is refused', () => {
  const reach = (changes: Partial<TrustRootDraft>): Buffer =>
    createTrustRoot({ ...rootDraft, ...changes });
  const message = (role: string, usable: number): RegExp =>
    new RegExp(`^trust root: thresholds\\.${role}: \\d+, and only ${usable} usable keys`);
  const thresholds = { root: 1, platform: 1, tenant: 1 };
  // Finn has the scopes and is revoked.
  assert.throws(() => reach({ thresholds: { ...thresholds, root: 3 } }), {
    code: 'validation_failed',
    message: message('root', 2),
  });
  assert.throws(() => reach({ thresholds: { ...thresholds, platform: 4 } }), {
    message: message('platform', 3),
  });
  assert.throws(() => reach({ thresholds: { ...thresholds, tenant: 4 } }), {
    message: message('tenant', 3),
  });
  const keys = [trustKey(ada, ['root', 'platform', 'tenant:*']), trustKey(cleo, ['tenant:acme'])];
  const two = { ...thresholds, tenant: 2 };
  assert.doesNotThrow(() => reach({ keys, thresholds: two }));
  // Beta could reach three, and acme could not.
  const more = [...keys, trustKey(dan, ['tenant:beta']), trustKey(ben, ['tenant:beta'])];
  assert.doesNotThrow(() => reach({ keys: more, thresholds: two }));
  assert.throws(() => reach({ keys: more, thresholds: { ...thresholds, tenant: 3 } }), {
    message: message('tenant', 2),
  });
  assert.throws(() => reach({ keys: keys.slice(1) }), { message: message('root', 0) });
  assert.throws(() => reach({ keys: [trustKey(ada, ['root', 'platform'])] }), {
    message: message('tenant', 0),
  });
});

test('what is no root is refused before it is signed', () => {
  assert.throws(() => createTrustRoot({ ...draft, version: 0 }), {
    code: 'validation_failed',
    message: /^trust root: version: must be a whole number/,
  });
  const secret = { publicKeyPem: 'key', scopes: ['root'] as const, notAfter: draft.expires };
  assert.throws(() => createTrustRoot({ ...draft, keys: [secret] }), {
    message: /^trust root: keys\[0\]\.publicKeyPem: must be/,
  });
  assert.throws(() => signTrustRoot(Buffer.from('{}'), [ada]), { code: 'validation_failed' });
  assert.throws(() => signTrustRoot('{}', [ada]), { code: 'validation_failed' });
  assert.throws(() => signTrustRoot(createTrustRoot(draft), []), { code: 'validation_failed' });
});

test('a root is signed by one after the other', () => {
  const once = sign(draft, [ada]);
  assert.equal(signTrustRoot(once, [gus]), sign(draft, [gus, ada]));
  assert.equal(signTrustRoot(signTrustRoot(once, [ada]), [ada]), once);
  assert.ok(makeTrust().revoked.includes(finn.keyId));
});

test('a file that is no root at all is refused', () => {
  assertRefused('not-json', /envelope/, () => take(''));
  assertRefused('payload-type', /payloadType/, () => take('{}'));
  assertRefused('too-large', /envelope/, () => take(' '.repeat(262_145)));
});
