import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, before, suite, test } from 'node:test';
import { authorizeServer } from './commands/authorize.ts';
import type { CliContext } from './context.ts';
import { CommandError, exitCodes } from './failure.ts';
import { listenAuthorizing } from './fixtures/authorizing-server.ts';
import type { AuthorizingServer } from './fixtures/authorizing-server.ts';
import { runHere, startCli } from './testing.ts';
import type { Ended, Running } from './testing.ts';
import { createPaint } from './text/paint.ts';

const redirectUrl = 'http://127.0.0.1:9/callback';
const state: {
  directory: string;
  keys: Readonly<Record<string, string>>;
  address: string;
  server?: AuthorizingServer;
  serve?: Running;
} = { directory: '', keys: {}, address: '' };
const compileCache = { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] };

function environmentOf(user: string): Readonly<Record<string, string | undefined>> {
  const key = state.keys[user];
  return { ...compileCache, MODEL_HOST_ADDRESS: state.address, MODEL_HOST_API_KEY: key };
}

// In this process: another one would only load the same again.
async function cli(user: string, ...args: readonly string[]): Promise<Ended> {
  return runHere(args, { environment: environmentOf(user), now: Date.now });
}

/** The address that a browser ends at. */
async function browse(url: string): Promise<string> {
  const { headers } = await fetch(url, { redirect: 'manual' });
  return headers.get('location') ?? assert.fail('the browser was not sent back');
}

/** A terminal at which somebody types what `ask` gives. */
function terminal(ask: CliContext['ask']): {
  readonly context: CliContext;
  readonly said: string[];
} {
  const said: string[] = [];
  const context: CliContext = {
    process: { stdout: { write: assert.fail }, stderr: { write: assert.fail } },
    environment: environmentOf('pia'),
    paint: createPaint(false),
    now: () => 0,
    print: (shown) => void said.push(shown),
    say: (shown) => void said.push(shown),
    ask,
    onInterrupt: () => () => {},
    program: ['model-host'],
    hostProcess: { on: () => {}, off: () => {}, exit: () => assert.fail() },
    streams: { input: Readable.from([]), output: new Writable() },
    exitWith: () => assert.fail(),
  };
  return { context, said };
}

suite('authorizing the host at a tool server', () => {
  before(async () => {
    state.directory = await mkdtemp(join(tmpdir(), 'model-host-authorize-'));
    state.server = await listenAuthorizing();
    const entries = [];
    const keys: Record<string, string> = {};
    for (const user of ['ines', 'otto', 'pia']) {
      const args = ['keys', 'create', '--tenant', 'acme', '--subject', user, '--json'];
      const { stdout } = await runHere(args); // oxlint-disable-line no-await-in-loop
      // Our own output, whose shape the test of `keys create` holds.
      const created = JSON.parse(stdout) as { readonly key: string; readonly entry: object };
      keys[user] = created.key;
      entries.push(created.entry);
    }
    state.keys = keys;
    // Nothing is called here, and what could never be called would not be listed.
    const rule = '@id("all") permit (principal, action, resource);\n';
    await writeFile(join(state.directory, 'all.cedar'), rule);
    const auth = { type: 'user-oauth', redirectUrl, allowRegistration: true };
    const { url } = state.server;
    const config = {
      server: { port: 0, healthPort: 0, dataDirectory: 'data', auth: { apiKeys: entries } },
      providers: [],
      agents: [],
      tools: { servers: [{ alias: 'notes', url, allowPrivateNetwork: true, auth }] },
      policies: { directory: '.' },
      mcp: { port: 0 },
    };
    const file = join(state.directory, 'model-host.yaml');
    await writeFile(file, JSON.stringify(config));
    state.serve = startCli(['serve', '--config', file], compileCache);
    const [, address = ''] = await state.serve.until(/serves on ([\d.:]+),/);
    state.address = address;
  });

  after(async () => {
    state.serve?.child.kill('SIGTERM');
    await state.serve?.ended;
    await state.server?.[Symbol.asyncDispose]();
    await rm(state.directory, { recursive: true });
  });

  test('a user authorizes the host in two steps where nobody can be asked, and both are on record without a secret', async () => {
    const begun = await cli('ines', 'tools', 'authorize', 'notes');
    assert.equal(begun.code, 0);
    assert.match(
      begun.stderr,
      /^next: open it in a browser, then `model-host tools authorize notes/,
    );
    const back = await browse(begun.stdout.trim());
    assert.ok(back.startsWith(redirectUrl));
    const finished = await cli('ines', 'tools', 'authorize', 'notes', '--callback', back);
    assert.deepEqual(finished, {
      code: 0,
      stdout: '',
      stderr: 'the host may act for you at notes\n',
    });
    assert.match((await cli('ines', 'tools', 'list')).stdout, /^notes__look /m);

    const again = await cli('ines', 'tools', 'authorize', 'notes', '--json');
    assert.deepEqual(JSON.parse(again.stdout), { authorizationUrl: '' });
    const records = await readFile(join(state.directory, 'data/audit.jsonl'), 'utf8');
    assert.match(records, /"kind":"tool-authorization"/);
    const { searchParams } = new URL(back);
    for (const secret of ['code', 'state']) {
      assert.ok(!records.includes(searchParams.get(secret) ?? assert.fail()));
    }
  });

  test('what one user brought back is of no use to another, and of no use twice', async () => {
    const asked = await cli('otto', 'tools', 'authorize', 'notes', '--json');
    const { authorizationUrl } = JSON.parse(asked.stdout) as { readonly authorizationUrl: string };
    const back = await browse(authorizationUrl);
    const stolen = await cli('pia', 'tools', 'authorize', 'notes', '--callback', back);
    assert.equal(stolen.code, 1);
    assert.match(stolen.stderr, /^failed_precondition: /);
    assert.equal((await cli('otto', 'tools', 'authorize', 'notes', '--callback', back)).code, 0);
    const twice = await cli('otto', 'tools', 'authorize', 'notes', '--callback', back);
    assert.match(twice.stderr, /^failed_precondition: /);
  });

  test('a server that is not there, and an address that says no, are told apart', async () => {
    assert.equal((await cli('pia', 'tools', 'authorize', 'none')).code, exitCodes.notFound);
    const denied = `${redirectUrl}?error=access_denied&state=notes.1`;
    const refused = await cli('pia', 'tools', 'authorize', 'notes', '--callback', denied);
    assert.equal(refused.code, exitCodes.denied);
    assert.equal(refused.stderr, 'the authorization server says no: access_denied\n');
  });

  test('on a terminal the address is asked for, and without one nothing is authorized', async () => {
    const silent = terminal(async () => '');
    await assert.rejects(authorizeServer(silent.context, {}, 'notes'), (thrown) => {
      assert.ok(thrown instanceof CommandError);
      return thrown.message === 'nothing is authorized';
    });
    const { context, said } = terminal(async () => await browse((said[1] ?? '').trim()));
    await authorizeServer(context, {}, 'notes');
    assert.equal(said[0], 'open this in a browser:');
    assert.equal(said[2], 'the host may act for you at notes');
  });
});
