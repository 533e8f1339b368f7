import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { pointOf as engineOf } from './fixtures/decision-points.ts';
import { modelRequest } from './fixtures/requests.ts';
import { digestPolicyFiles, readPolicyDirectory } from './index.ts';
import type { PolicyFile } from './index.ts';

const body = 'permit (principal, action, resource);';

function when(condition: string): string {
  return `@id("r") permit (principal, action, resource) when { ${condition} };`;
}

const forbid = 'forbid (principal, action, resource);';

// What is wrong, the file, and what the error says, place first.
const refused: readonly (readonly [string, string, RegExp])[] = [
  ['an unknown word', `// ✓\n@id("é")\n${body}`, /^a\.cedar:2:1: the @id of the rule cannot/],
  [
    'a wrong clause',
    '\n @id("r") permit (principal, action, resource) whn {};',
    /^a\.cedar:2:48: .*whn.*; condition must be/,
  ],
  [
    'a place after wide characters',
    '@message("😀é") @id("r") permit (prncipal, action, resource);',
    /^a\.cedar:1:\d+: this is no Cedar policy/,
  ],
  [
    'a missing semicolon',
    '@id("r") permit (principal, action, resource)',
    /^a\.cedar:1:\d+: this is no Cedar policy/,
  ],
  [
    'an open string',
    '@id("r) permit (principal, action, resource);',
    /^a\.cedar:1:\d+: this is no Cedar policy/,
  ],
  [
    'words after the last rule',
    `@id("r") ${body}\nallow`,
    /^a\.cedar:2:\d+: this is no Cedar policy/,
  ],
  ['a lone semicolon', `@id("r") ${body};`, /^a\.cedar:1:\d+: this is no Cedar policy/],
  [
    'a template',
    '@id("r") permit (principal == ?principal, action, resource);',
    /^a\.cedar:1:31: /,
  ],
  ['no @id', body, /^a\.cedar:1:1: the rule has no @id; put @id/],
  ['an empty @id', `@id("") ${body}`, /cannot be used as a name/],
  ['an @id that is a code of ours', `@id("default-deny") ${body}`, /is a code of the host/],
  [
    'two rules with one @id',
    `@id("r") ${body}\n@id("r") ${body}`,
    /^a\.cedar:2:1: a rule "r" stands at a\.cedar:1:1 already/,
  ],
  [
    'an unknown annotation',
    `@id("r") @ttl("1") ${body}`,
    /unknown annotation @ttl; known here are @id, @message, @remedy/,
  ],
  [
    'a long @message',
    `@id("r") @message("${'m'.repeat(501)}") ${body}`,
    /@message of rule "r" is too long/,
  ],
  [
    'an unknown remedy',
    `@id("r") @remedy("beg") ${forbid}`,
    /unknown @remedy; write @remedy\("approval"\) or @remedy\("step_up"\)/,
  ],
  [
    'a quorum of none',
    `@id("r") @remedy("approval") @quorum("0") ${forbid}`,
    /@quorum out of bounds; use a whole number from 1 to 16/,
  ],
  ['a quorum without a remedy', `@id("r") @quorum("2") ${forbid}`, /@quorum without a remedy/],
  [
    'approvers of what is no approval',
    `@id("r") @remedy("wait") @approvers("a") ${forbid}`,
    /@approvers, but its remedy is no approval; write @remedy\("approval"\)/,
  ],
  [
    'a parameter of an obligation',
    `@id("r") @level("full") ${body}`,
    /unknown annotation @level; known here are @id, @message, @remedy/,
  ],
  [
    'a remedy on a permit',
    `@id("r") @remedy("approval") ${body}`,
    /permits, so there is nothing to remedy/,
  ],
  [
    'approvers without a remedy',
    `@id("r") @approvers("a") ${forbid}`,
    /@approvers without a remedy/,
  ],
  [
    'an empty approver',
    `@id("r") @remedy("approval") @approvers("a,,b") ${forbid}`,
    /empty or unusable name in @approvers/,
  ],
  [
    'a time to live of zero',
    `@id("r") @remedy("approval") @ttl_seconds("0") ${forbid}`,
    /@ttl_seconds out of bounds/,
  ],
  [
    'a time to live that is no number',
    `@id("r") @remedy("approval") @ttl_seconds("1h") ${forbid}`,
    /@ttl_seconds out of bounds/,
  ],
  [
    'an unknown self approval',
    `@id("r") @remedy("approval") @self_approval("yes") ${forbid}`,
    /unknown @self_approval/,
  ],
  [
    'an action of another type',
    '@id("r") permit (principal, action == Action::"x", resource);',
    /no action is of type Action; write ModelHost::Action/,
  ],
  [
    'a group used as an action',
    '@id("r") permit (principal, action == ModelHost::Action::"CallTool", resource);',
    /write action in ModelHost::Action::"CallTool"/,
  ],
  [
    'a resource of a type that does not exist',
    '@id("r") forbid (principal, action in ModelHost::Action::"CallTool", resource in ModelHost::Server::"x");',
    /^a\.cedar:1:1: resource in ModelHost::Server can never be true here, .* write one of ModelHost::Tool, ModelHost::ToolServer$/,
  ],
  [
    'a resource that the action never has',
    '@id("r") forbid (principal, action == ModelHost::Action::"s__act", resource is ModelHost::Model);',
    /resource is ModelHost::Model can never be true/,
  ],
  [
    'a group compared as a resource',
    '@id("r") forbid (principal, action, resource == ModelHost::ToolServer::"s");',
    /resource == ModelHost::ToolServer can never be true/,
  ],
  [
    'a tool in what is no server',
    '@id("r") forbid (principal, action, resource is ModelHost::Tool in ModelHost::Role::"s");',
    /ModelHost::Role can never be true/,
  ],
  [
    'a principal of a type that does not exist',
    '@id("r") forbid (principal in ModelHost::Group::"x", action, resource);',
    /principal in ModelHost::Group can never be true/,
  ],
  ['no action at all', '@id("r") forbid (principal, action in [], resource);', /names no action/],
  [
    'an attribute that inputs lack',
    when('context.inputTokens > 1'),
    /^a\.cedar:1:54: rule "r" does not fit the action AcceptInput, .*inputTokens/,
  ],
  [
    'an unknown entity type',
    when('principal is ModelHost::Robot'),
    /does not fit the action AcceptInput/,
  ],
  [
    'deep brackets',
    when(`${'('.repeat(33)}true${')'.repeat(33)}`),
    /^a\.cedar:1:\d+: brackets are nested more than 32 deep/,
  ],
  ['deep brackets without an end', '['.repeat(100_000), /nested more than 32 deep/],
  ['many conditionals', when(`${'if true then true else '.repeat(33)}true`), /more than 32 `if`/],
  ['a long chain', when(`context${'.a'.repeat(65)}`), /more than 64 dots/],
  [
    'a long chain in parts',
    when(`${`(1${'+1'.repeat(10)}+`.repeat(10)}1${')'.repeat(10)} == 1`),
    /more than 64 dots/,
  ],
  ['a long pattern', when(`context.agent like "*${'a'.repeat(256)}"`), /more than 256 characters/],
  [
    'a pattern with many stars, deep within',
    when(`[1, if !(context.agent like "${'a*'.repeat(17)}") then 2 else 3].contains(2)`),
    /^a\.cedar:1:1: a pattern of `like` has more than .* 16 stars; write it shorter/,
  ],
  ['a long rule', when('true && '.repeat(1000)), /more than 2000 words and signs/],
  ['a rule of many bytes', when(`"${'a'.repeat(20_000)}" == ""`), /longer than 16384 bytes/],
  [
    'too many rules',
    Array.from(
      { length: 10_001 },
      (_, index) =>
        `@id("r${index}") permit (principal, action == ModelHost::Action::"x", resource);`,
    ).join('\n'),
    /^a\.cedar:10001:1: more than 10000 rules/,
  ],
  ['half a character', `@id("r") ${body} // \ud800`, /no valid Unicode/],
  ['a large file', ' '.repeat(4_194_305), /at most 4194304 bytes/],
];

function isConfigInvalid(pattern: RegExp): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof HostError, String(thrown));
    assert.equal(thrown.code, 'config_invalid');
    assert.match(thrown.message, pattern);
    return true;
  };
}

suite('loading rules', () => {
  for (const [what, text, pattern] of refused) {
    test(`${what}: refused with place and remedy`, () => {
      assert.throws(() => engineOf(text), isConfigInvalid(pattern));
    });
  }

  test('rules at the bounds are read, and leave Cedar alive', async () => {
    const conditions = [
      `${'('.repeat(31)}true${')'.repeat(31)}`,
      `${'[{a:'.repeat(15)}1${'}]'.repeat(15)} == [] || true`,
      `${'if true then true else '.repeat(32)}true`,
      `${'(if true then '.repeat(30)}true${' else true)'.repeat(30)}`,
      `1${'+1'.repeat(64)} == 65`,
      `${'('.repeat(28)}1${'+1'.repeat(60)}${')'.repeat(28)} == 61`,
      `${'(1+1+'.repeat(30)}1${')'.repeat(30)} == 61`,
      `true${' && true'.repeat(640)}`,
      `context has agent${'.a'.repeat(64)} || true`,
      `principal in [${'ModelHost::Role::"a",'.repeat(240)}ModelHost::Role::"b"] || true`,
    ];
    for (const condition of conditions) {
      const text = `@id("r") permit (principal, action == ModelHost::Action::"UseModel", resource)
        when { ${condition} };`;
      let outcome: string;
      try {
        outcome = (await engineOf(text).decide(modelRequest('m'))).effect;
      } catch (thrown) {
        // A type error is Cedar's considered answer; a trap would read otherwise.
        assert.match(String(thrown), /does not fit the action UseModel: /);
        outcome = 'allow';
      }
      assert.equal(outcome, 'allow', condition.slice(0, 60));
    }
  });

  test('semicolons, brackets and quotes in strings and comments end nothing', async () => {
    const engine = engineOf(`// a comment; with ((( and "
      @id("r") @message("a; \\" (((( // no comment") permit (principal, action, resource)
      when { "\\\\" != ";" }; // the end`);
    const { effect, reasons } = await engine.decide(modelRequest('m'));
    assert.equal(effect, 'allow');
    assert.deepEqual(reasons, [{ rule: 'r', message: 'a; " (((( // no comment' }]);
  });

  test('no file, or none with a rule, denies everything', async () => {
    for (const files of [[], [{ name: 'a.cedar', text: '// nothing' }]]) {
      const { effect, reasons } = await engineOf(files).decide(modelRequest('m"x'));
      assert.equal(effect, 'deny');
      assert.deepEqual(reasons, [
        {
          rule: 'default-deny',
          message:
            'no rule permits it; a permit for ModelHost::Action::"UseModel" on ModelHost::Model::"m\\"x" is needed, for ModelHost::User::"acme/ann" or one of its roles',
        },
      ]);
    }
  });

  test('the digest changes with any name, text or order', () => {
    const [one, two]: readonly PolicyFile[] = [
      { name: 'a', text: `@id("a") ${body}` },
      { name: 'b', text: `@id("b") ${body}` },
    ];
    assert.ok(one !== undefined && two !== undefined);
    const digests = [
      [one, two],
      [two, one],
      [one],
      [{ ...one, name: 'c' }, two],
      [{ ...one, text: `${one.text} ` }, two],
    ].map((files) => digestPolicyFiles(files));
    assert.equal(new Set(digests).size, digests.length);
    for (const digest of digests) assert.match(digest, /^[0-9a-f]{64}$/);
  });
});

suite('reading a directory of policies', () => {
  async function withDirectory(use: (path: string) => Promise<void>): Promise<void> {
    const path = await mkdtemp(join(tmpdir(), 'policies-'));
    try {
      await use(path);
    } finally {
      await rm(path, { recursive: true });
    }
  }

  test('takes .cedar files by name, and nothing else', () =>
    withDirectory(async (path) => {
      for (const name of ['20-b.cedar', '10-a.cedar', 'README.md', 'x.cedar.bak']) {
        await writeFile(join(path, name), `// ${name}`);
      }
      assert.deepEqual(await readPolicyDirectory(path), [
        { name: '10-a.cedar', text: '// 10-a.cedar' },
        { name: '20-b.cedar', text: '// 20-b.cedar' },
      ]);
    }));

  test('takes the rules of authorize/ and oblige/ too', () =>
    withDirectory(async (path) => {
      for (const folder of ['authorize', 'oblige', 'tests']) {
        await mkdir(join(path, folder));
        await writeFile(join(path, folder, 'a.cedar'), `// ${folder}`);
      }
      await writeFile(join(path, 'a.cedar'), '// top');
      assert.deepEqual(
        (await readPolicyDirectory(path)).map(({ name }) => name),
        ['a.cedar', 'authorize/a.cedar', 'oblige/a.cedar'],
      );
    }));

  test('refuses what it cannot read whole', () =>
    withDirectory(async (path) => {
      await assert.rejects(
        readPolicyDirectory(join(path, 'absent')),
        isConfigInvalid(/absent: the directory of policies cannot be read \(ENOENT\)/),
      );
      await assert.rejects(readPolicyDirectory(path), isConfigInvalid(/no \.cedar file in it/));
      await mkdir(join(path, 'd.cedar'));
      await assert.rejects(readPolicyDirectory(path), isConfigInvalid(/d\.cedar: .*EISDIR/));
      await writeFile(join(path, 'c.cedar'), Buffer.from([0x2f, 0x2f, 0xff]));
      await assert.rejects(readPolicyDirectory(path), isConfigInvalid(/c\.cedar: is no UTF-8/));
      await writeFile(join(path, 'b.cedar'), ' '.repeat(4_194_305));
      await assert.rejects(readPolicyDirectory(path), isConfigInvalid(/b\.cedar: larger than/));
    }));

  test('refuses too many files and too many bytes', () =>
    withDirectory(async (path) => {
      for (let index = 0; index < 3; index += 1) {
        await writeFile(join(path, `${index}.cedar`), ' '.repeat(4_000_000));
      }
      await assert.rejects(readPolicyDirectory(path), isConfigInvalid(/more than 8388608 bytes/));
      for (let index = 3; index < 257; index += 1) {
        await writeFile(join(path, `${index}.cedar`), '');
      }
      await assert.rejects(
        readPolicyDirectory(path),
        isConfigInvalid(/257 \.cedar files, at most/),
      );
    }));
});
