import assert from 'node:assert/strict';
import test from 'node:test';
import { createBySubject } from './by-subject.ts';
import { createSingleFlight } from './single-flight.ts';

test('who asks while the work runs shares it, and who asks after it does not', async () => {
  const flights = createSingleFlight<number>();
  const { signal } = new AbortController();
  let runs = 0;
  const work = async (): Promise<number> => (runs += 1);
  const both = [flights.run('a', work, signal), flights.run('a', work, signal)];
  const other = flights.run('b', work, signal);
  assert.deepEqual(await Promise.all([...both, other]), [1, 1, 2]);
  assert.equal(await flights.run('a', work, signal), 3);
});

test('a failure is shared too, and is not kept', async () => {
  const flights = createSingleFlight<number>();
  const { signal } = new AbortController();
  const failing = flights.run('a', () => Promise.reject(new Error('no')), signal);
  const sharing = flights.run('a', async () => 1, signal);
  await assert.rejects(failing, /no/);
  await assert.rejects(sharing, /no/);
  assert.equal(await flights.run('a', async () => 2, signal), 2);
});

test('who leaves does not take the work along', async () => {
  const flights = createSingleFlight<string>();
  const leaving = new AbortController();
  const done = Promise.withResolvers<string>();
  const left = flights.run('a', () => done.promise, leaving.signal);
  const staying = flights.run('a', async () => 'other', new AbortController().signal);
  leaving.abort();
  await assert.rejects(left, { name: 'AbortError' });
  done.resolve('one');
  assert.equal(await staying, 'one');
});

test('past the bound the subject used longest ago is forgotten', () => {
  let made = 0;
  const subjects = createBySubject({
    subjectOf: ({ subject }) => subject,
    create: () => (made += 1),
    subjectsMax: 2,
  });
  const of = (subject: string): number => subjects.of({ tenant: 'acme', subject, roles: [] });
  assert.deepEqual([of('a'), of('b'), of('a'), of('c'), of('a'), of('b')], [1, 2, 1, 3, 1, 4]);
});
