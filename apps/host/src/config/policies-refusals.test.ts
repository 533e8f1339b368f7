import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { changed, createConfigDirectory, good } from '../fixtures/configurations.ts';

const directory = createConfigDirectory();
after(() => directory.remove());

const written = '  directory: policies\n';
const signed = '  bundles: [{ file: main.mhpb.json }]\n  trustRoot: key\n';
const production = { MAIN_KEY: 'k', NODE_ENV: 'production' };

/** What stands in the place of the usual directory, and what is said of it. */
const refused: readonly {
  readonly title: string;
  readonly to: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
}[] = [
  {
    title: 'neither a directory nor bundles',
    to: '  watchMs: 0\n',
    problems: ['host.yaml:20:3: policies: names no rules; set directory, or bundles and trustRoot'],
  },
  {
    title: 'both a directory and bundles',
    to: `${written}${signed}`,
    problems: [
      'host.yaml:21:12: policies.bundles: rules come from one place; remove bundles, or remove directory',
    ],
  },
  {
    title: 'bundles without a trust root',
    to: '  bundles: [{ file: main.mhpb.json }]\n',
    problems: [
      'host.yaml:20:12: policies.bundles: nobody says whose signatures count; set policies.trustRoot',
    ],
  },
  {
    title: 'a trust root that is not there',
    to: signed.replace('key', 'no-root.json'),
    problems: ['host.yaml:21:14: policies.trustRoot: there is no file no-root.json'],
  },
  {
    title: 'a digest of no trust root',
    to: `${written}  trustRootDigest: sha256:${'0'.repeat(64)}\n`,
    problems: [
      'host.yaml:21:20: policies.trustRootDigest: is the digest of nothing; set policies.trustRoot',
    ],
  },
  {
    title: 'a digest that is none',
    to: `${signed}  trustRootDigest: latest\n`,
    problems: ['host.yaml:22:20: policies.trustRootDigest: must be a SHA-256, as 64 hex digits'],
  },
  {
    title: 'a mistyped key',
    to: `${written}  watchMS: 1\n`,
    problems: ['host.yaml:21:3: policies.watchMS: unknown key; did you mean "watchMs"?'],
  },
  {
    title: 'a grace without end',
    to: `${written}  graceMs: 2592000001\n`,
    problems: ['host.yaml:21:12: policies.graceMs: must be at most 2592000000'],
  },
  {
    title: 'a decision log that keeps nothing',
    to: `${written}  decisionLog: { days: 0, maxEntries: 0 }\n`,
    problems: [
      'host.yaml:21:24: policies.decisionLog.days: must be at least 1',
      'host.yaml:21:39: policies.decisionLog.maxEntries: must be at least 1',
    ],
  },
  {
    title: 'unsigned rules in production',
    to: written,
    environment: production,
    problems: [
      'host.yaml:20:14: policies.directory: rules in a directory are not signed, and NODE_ENV is production; use policies.bundles, or set policies.allowUnsigned: true',
    ],
  },
];

for (const { title, to, environment, problems } of refused) {
  test(`the configuration is refused for ${title}`, () => {
    assert.deepEqual(directory.problemsOf(changed(written, to), environment), problems);
  });
}

test('signed bundles need nothing else, even in production, and the bundle need not be there yet', () => {
  assert.deepEqual(directory.problemsOf(changed(written, signed), production), []);
});

test('unsigned rules are taken in production by whoever says so', () => {
  const allowed = changed(written, `${written}  allowUnsigned: true\n`);
  assert.deepEqual(directory.problemsOf(allowed, production), []);
});

test('what the section leaves out has a default', () => {
  assert.deepEqual(directory.read(good).tree.policies, {
    directory: 'policies',
    watchMs: 5_000,
    graceMs: 86_400_000,
    allowUnsigned: false,
    decisionLog: { days: 30, maxEntries: 1_000_000 },
  });
});
