import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RedactionStyles, SessionRedactor } from '@modelhost/kernel';
import { keys } from '../fixtures/keys.ts';
import { createHostRedactor } from './host-redactor.ts';

const redactor = createHostRedactor({
  always: { email: 'token' },
  keys,
  termsOf: (tenant) => (tenant === 'acme' ? ['Bluebird'] : []),
});

function open(sessionId = 'run_1', tenant = 'acme'): SessionRedactor {
  return redactor.open({ tenant, sessionId });
}

const cards: RedactionStyles = { card: 'placeholder' };

test('what is hidden always is joined with what is asked for, the stricter way', () => {
  assert.equal(redactor.redact('to ann@x.org'), 'to [EMAIL]');
  const step = open().step();
  assert.equal(step.redact('to ann@x.org', {}), 'to [EMAIL]');
  assert.equal(step.redact('to ann@x.org', { email: 'placeholder' }), 'to [EMAIL]');
  assert.equal(step.redact('to ann@x.org', { email: 'drop' }), 'to ');
  assert.deepEqual(step.redactJson({ to: ['ann@x.org'] }, {}), { to: ['[EMAIL]'] });
  assert.deepEqual(step.found(), { email: 4 });
  assert.equal(step.state(), null);
});

test('where nothing is to be hidden a text passes as it is', () => {
  const step = createHostRedactor({ always: {}, keys })
    .open({ tenant: 't', sessionId: 's' })
    .step();
  assert.deepEqual([step.hides({}), step.hides({ email: 'mask' })], [false, true]);
  const stream = step.stream({});
  assert.equal(stream.push('to ann@x'), 'to ann@x');
  assert.equal(stream.end(), '');
  const value = { to: 'ann@x.org' };
  assert.equal(step.redactJson(value, {}), value);
});

test('what nothing is found in comes back as it is, and is looked at again for whatever else is asked', () => {
  const value = { to: ['Bluebird', { card: '4111 1111 1111 1111' }] };
  const styles: RedactionStyles = { term: 'token' };
  for (let round = 0; round < 2; round += 1) {
    assert.equal(open().step().redactJson(value, {}), value);
    assert.deepEqual(open().step().redactJson(value, { card: 'token' }), {
      to: ['Bluebird', { card: '[CARD]' }],
    });
    // Of one tenant's terms another knows nothing.
    assert.equal(open('run_1', 'other').step().redactJson(value, styles), value);
    const step = open().step();
    assert.deepEqual(step.redactJson(value, styles), {
      to: ['[TERM]', { card: '4111 1111 1111 1111' }],
    });
    assert.deepEqual(step.found(), { term: 1 });
  }
});

test('a stream is cut and ends as its text does', () => {
  const stream = open().step().stream({});
  assert.equal(
    stream.push('Write to ann@x') + stream.push('.org now') + stream.end(),
    'Write to [EMAIL] now',
  );
  const broken = open().step().stream({});
  assert.equal(broken.push('Write to ann@x') + broken.abort(), 'Write to ');
});

test('hashes and terms are those of the tenant', () => {
  const styles: RedactionStyles = { email: 'hash', term: 'token' };
  const own = open().step().redact('ann@x.org bluebird', styles);
  assert.match(own, /^\[EMAIL:[0-9a-f]{12}\] \[TERM\]$/);
  assert.equal(open('run_2').step().redact('ann@x.org bluebird', styles), own);
  const other = open('run_1', 'other').step().redact('ann@x.org bluebird', styles);
  assert.match(other, /^\[EMAIL:[0-9a-f]{12}\] bluebird$/);
  assert.notEqual(other.slice(0, 20), own.slice(0, 20));
});

test('placeholders are those of the session, also where sessions share a redactor', () => {
  const [one, two] = [open('run_1'), open('run_2')];
  const streams = [one.step().stream(cards), two.step().stream(cards)] as const;
  const text = 'card 4111 1111 1111 1111 it is';
  const pushed = streams.map((stream) => stream.push(text.slice(0, 12)));
  const [first = '', second = ''] = streams.map(
    (stream, at) => pushed[at] + stream.push(text.slice(12)) + stream.end(),
  );
  assert.match(first, /^card \[CARD_1:[0-9a-f]{4}\] it is$/);
  assert.notEqual(first, second);
  const reveal = { text: ['card'] };
  assert.deepEqual(one.restore({ text: first }, reveal), {
    type: 'restored',
    arguments: { text },
    restored: [{ path: 'text', placeholder: first.slice(5, 18) }],
  });
  assert.deepEqual(one.restore({ to: { text: second } }, reveal), {
    type: 'refused',
    path: 'to.text',
  });
});

test('a session that is opened again knows what its steps gave out, in whatever order it learns of them', () => {
  const session = open();
  const [first, second] = [session.step(), session.step()];
  const one = first.redact('4111 1111 1111 1111', cards);
  const two = second.redact('5500 0000 0000 0004 4111 1111 1111 1111', cards);
  const again = open();
  again.adopt(second.state());
  assert.deepEqual(again.step().redact('4111 1111 1111 1111', cards), one);
  again.adopt(first.state());
  const restored = again.restore({ text: two }, { text: ['card'] });
  assert.deepEqual(restored.type === 'restored' && restored.arguments, {
    text: '5500 0000 0000 0004 4111 1111 1111 1111',
  });
  assert.doesNotMatch(JSON.stringify(second.state()), /1111|0004/);
});

test('state that is no state, or that contradicts the session, is refused', () => {
  const session = open();
  session.step().redact('4111 1111 1111 1111', cards);
  const other = open();
  const step = other.step();
  step.redact('5500 0000 0000 0004', cards);
  assert.throws(() => session.adopt(step.state()), { code: 'internal', message: /two values/ });
  for (const state of ['x', {}, [1], [{ number: 1, kind: 'CARD', index: '0', value: 'x' }]]) {
    assert.throws(() => session.adopt(state), { code: 'internal', message: /not known/ });
  }
});

test('an unknown detector is refused by its name', () => {
  const message = /"emial"/;
  assert.throws(() => createHostRedactor({ always: { emial: 'mask' }, keys }), {
    code: 'config_invalid',
    message,
  });
  assert.throws(() => open().step().redact('', { emial: 'mask' }), {
    code: 'config_invalid',
    message,
  });
});

test('no more is kept than its bound, and what was forgotten is made again', () => {
  const step = open().step();
  const names = ['email', 'phone', 'card', 'iban', 'ip', 'mac', 'wallet'];
  for (let chosen = 0; chosen < 2 ** names.length; chosen += 1) {
    const asked = names.filter((_, at) => (chosen & (2 ** at)) !== 0);
    const styles = Object.fromEntries(asked.map((name) => [name, 'mask'] as const));
    const isHidden = !step.redact('4111 1111 1111 1111', styles).includes('4111');
    assert.equal(isHidden, asked.includes('card'));
  }
});
