import assert from 'node:assert/strict';
import test from 'node:test';
import { createGrantBook } from './grant-book.ts';
import { createTokenMemory } from './token-store.ts';

const owner = {
  server: 'notes',
  resource: 'https://notes.example',
  tenant: 'acme',
  subject: 'ann',
};
const tokensOf = (value: string) => ({ access_token: value, token_type: 'Bearer' });
const noOptions = { askedScope: undefined, dpop: undefined };

test('what an issuer gave is found under its name only, and the newest is the last one saved', async () => {
  const book = createGrantBook({ store: createTokenMemory(), owner, now: () => 0 });
  await book.saveTokens(tokensOf('one'), { ...noOptions, issuer: 'https://one.example' });
  await book.saveTokens(tokensOf('two'), { ...noOptions, issuer: 'https://two.example' });
  assert.equal((await book.tokens('https://one.example'))?.access_token, 'one');
  assert.equal((await book.tokens('https://one.example/'))?.access_token, 'one');
  assert.equal((await book.newest())?.tokens?.access_token, 'two');
  assert.equal(await book.tokens('https://three.example'), undefined);
  await book.saveTokens(tokensOf('again'), { ...noOptions, issuer: 'https://one.example' });
  assert.equal((await book.newest())?.tokens?.access_token, 'again');
  await book.forgetTokens();
  assert.equal(await book.newest(), undefined);
});

test('a scope that is left out is the one asked for, else the one granted before', async () => {
  const book = createGrantBook({ store: createTokenMemory(), owner, now: () => 0 });
  const issuer = 'https://one.example';
  await book.saveTokens(tokensOf('a'), { ...noOptions, issuer, askedScope: 'read' });
  await book.saveTokens(tokensOf('b'), { ...noOptions, issuer });
  assert.equal((await book.tokens(issuer))?.scope, 'read');
  await book.saveTokens({ ...tokensOf('c'), scope: 'write' }, { ...noOptions, issuer });
  assert.equal((await book.tokens(issuer))?.scope, 'write');
});

test('only the last few issuers are remembered, and registrations belong to the host', async () => {
  const store = createTokenMemory();
  const book = createGrantBook({ store, owner, now: () => 0 });
  const issuers = Array.from({ length: 6 }, (_, index) => `https://${index}.example`);
  for (const issuer of issuers) {
    await book.saveTokens(tokensOf(issuer), { ...noOptions, issuer });
    await book.saveClient({ client_id: issuer, issuer });
  }
  const known = await Promise.all(issuers.map(async (issuer) => await book.tokens(issuer)));
  assert.deepEqual(
    known.map((tokens) => tokens !== undefined),
    [false, false, true, true, true, true],
  );
  const ofBob = createGrantBook({ store, owner: { ...owner, subject: 'bob' }, now: () => 0 });
  assert.equal((await ofBob.client('https://5.example'))?.client_id, 'https://5.example');
  assert.equal(await ofBob.tokens('https://5.example'), undefined);
  await ofBob.forgetClients();
  assert.equal(await book.client('https://5.example'), undefined);
  await assert.rejects(book.saveClient({ client_id: 'c' }), TypeError);
});
