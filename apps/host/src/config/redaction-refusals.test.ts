import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { changed, createConfigDirectory, good } from '../fixtures/configurations.ts';
import { listConfig } from './print-config.ts';

const directory = createConfigDirectory();
after(() => directory.remove());

const policies = 'policies:\n';
const written = (section: string): string =>
  changed(policies, `redaction: ${section}\n${policies}`);

/** Somebody of the tenant acme. */
const environment = {
  MAIN_KEY: 'k',
  MH__SERVER__AUTH__APIKEYS: `[{ id: abcd, hash: 'sha256:${'0'.repeat(64)}', tenant: acme, subject: a }]`,
};

const refused = [
  {
    title: 'terms of a tenant that is mistyped',
    section: '{ terms: { amce: [Project Blue], default: [x y], zzz: [Blue] } }',
    problems: [
      'host.yaml:19:29: redaction.terms.amce: nobody is of the tenant amce by any key or issuer; did you mean acme?',
      'host.yaml:19:66: redaction.terms.zzz: nobody is of the tenant zzz by any key or issuer; remove it',
    ],
  },
  {
    title: 'a detector that is mistyped',
    section: '{ always: { secerts: token } }',
    problems: [
      'host.yaml:19:33: redaction.always.secerts: there is no detector secerts; did you mean secrets?',
    ],
  },
  {
    title: 'a detector that is like no other',
    section: '{ always: { everything: token } }',
    problems: [
      'host.yaml:19:36: redaction.always.everything: there is no detector everything; use secrets, email, phone, card, iban, ip, mac, url_credentials, national_id, birth_date, wallet, term or the name of a single rule',
    ],
  },
  {
    title: 'a style that is mistyped',
    section: '{ always: { secrets: tokn, github-pat: msak } }',
    problems: [
      'host.yaml:19:33: redaction.always.secrets: there is no style "tokn"; did you mean token?',
      'host.yaml:19:51: redaction.always.github-pat: there is no style "msak"; did you mean mask?',
    ],
  },
  {
    title: 'a style that is like no other',
    section: '{ always: { secrets: 7 } }',
    problems: [
      'host.yaml:19:33: redaction.always.secrets: there is no style 7; use placeholder, token, mask, hash, drop',
    ],
  },
  {
    title: 'terms that are to be hidden when there are none',
    section: '{ always: { term: token } }',
    problems: [
      'host.yaml:19:30: redaction.always.term: looks for nothing; set redaction.terms or redaction.termsFile',
    ],
  },
  {
    title: 'terms that are no list',
    section: '{ terms: Project Blue }',
    problems: [
      'host.yaml:19:21: redaction.terms: must be a list of terms of 2 to 256 characters, or such a list for each tenant',
    ],
  },
  {
    title: 'a file of terms that is not there',
    section: '{ termsFile: terms.txt }',
    problems: ['host.yaml:19:25: redaction.termsFile: there is no file terms.txt'],
  },
  {
    title: 'a key that is mistyped',
    section: '{ alwys: {} }',
    problems: ['host.yaml:19:14: redaction.alwys: unknown key; did you mean "always"?'],
  },
];

for (const { title, section, problems } of refused) {
  test(`the configuration is refused for ${title}`, () => {
    assert.deepEqual(directory.problemsOf(written(section), environment), problems);
  });
}

test('secrets are hidden unless somebody says what is', () => {
  const { redaction } = directory.read(good).tree;
  assert.deepEqual(redaction, { always: { secrets: 'token' }, terms: [] });
  assert.deepEqual(directory.read(written('{ always: {} }')).tree.redaction.always, {});
});

test('terms are a list, or a list for each tenant', () => {
  const { terms } = directory.read(written('{ terms: { acme: [Project Blue] } }'), environment).tree
    .redaction;
  assert.deepEqual(terms, { acme: ['Project Blue'] });
  const all = directory.read(written('{ always: { term: drop }, terms: [Project Blue] }'));
  assert.deepEqual(all.tree.redaction.terms, ['Project Blue']);
});

test('a single rule may be named, and the environment may set a detector', () => {
  const set = { ...environment, MH__REDACTION__ALWAYS__EMAIL: 'mask' };
  const config = directory.read(written('{ always: { github-pat: drop } }'), set);
  assert.deepEqual(config.tree.redaction.always, { 'github-pat': 'drop', email: 'mask' });
});

test('what is hidden is shown with where it was written', () => {
  const leaves = listConfig(directory.read(good, undefined, ['redaction.always.card=mask']));
  const shown = leaves.filter(({ key }) => key.startsWith('redaction.always'));
  assert.deepEqual(shown, [
    { key: 'redaction.always.card', value: 'mask', origin: '--set redaction.always.card' },
  ]);
});
