import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { Message, ModelEvent, ToolDefinition } from '@modelhost/kernel';
import fc from 'fast-check';
import { readScript } from './scripted-script.ts';
import { collect, createWorld, never, playRun, requestOf } from './scripted-world.ts';
import { createScriptedProvider } from './scripted.ts';

const sampleFiles = {
  '/data/a.md': '# Alpha\n\nThe first words.\n',
  '/data/rows.csv': 'city,count\nBern,3\nUri,4\n',
  '/data/private/pay.txt': 'secret figures',
  '/data/deep/more/b.txt': 'second file',
  '/data/picture.png': 'not text',
};

suite('the skill of the demo model', () => {
  test('reads every text file, keeps facts and writes a report that quotes the files', async () => {
    const world = createWorld({ root: '/data', files: sampleFiles });
    const answer = await playRun(world, 'Report on /data and write it to summary.md.');
    const report = world.written.get('/data/summary.md') ?? '';
    for (const quote of ['The first words.', 'Bern,3', 'secret figures', 'second file']) {
      assert.ok(report.includes(quote), quote);
    }
    assert.match(report, /heading "Alpha"/);
    assert.match(report, /table of 2 rows with the columns city,count/);
    assert.match(report, /4 of 5 files were read/);
    assert.match(report, /Left out: 1 file \(picture\.png\)\./);
    assert.doesNotMatch(report, /not text/);
    const kept = world.calls.find(({ tool }) => tool === 'memory__create_entities');
    assert.match(JSON.stringify(kept?.arguments), /deep\/more\/b\.txt/);
    assert.match(answer, /I read 4 of 5 files in \/data/);
    assert.match(answer, /not a language model/);
  });

  test('asks which folder it may use when the task names none', async () => {
    const world = createWorld({ root: '/data', files: sampleFiles });
    await playRun(world, 'Summarise what is there.');
    assert.equal(world.calls[0]?.tool, 'files__list_allowed_directories');
    assert.deepEqual([...world.written.keys()], ['/data/report.md']);
  });

  test('never takes a file that the task only mentions as the place of the report', async () => {
    const world = createWorld({ root: '/data', files: sampleFiles });
    await playRun(world, 'Write a summary of /data and of a.md.');
    assert.deepEqual([...world.written.keys()], ['/data/report.md']);
  });

  test('reports what was refused, with the reason that the tool result gave', async () => {
    const refuse = (_tool: string, { path }: { readonly path?: unknown }): string | undefined =>
      String(path).includes('private/')
        ? 'Denied by policy: nobody reads that (rule-7).'
        : undefined;
    const world = createWorld({ root: '/data', files: sampleFiles, refuse });
    const answer = await playRun(world, 'Report on /data.');
    const report = world.written.get('/data/report.md') ?? '';
    const line = '- private/pay.txt: Denied by policy: nobody reads that (rule-7).';
    assert.ok(report.includes(line) && answer.includes(line));
    assert.doesNotMatch(report, /secret figures/);
    const reads = world.calls.filter(({ arguments: { path } }) => path === '/data/private/pay.txt');
    assert.equal(reads.length, 1, 'a refused call is not tried again');
  });

  test('says in report and answer how many files and folders were left out, and which', async () => {
    const files: Record<string, string> = { '/data/.git/config': 'x', '/data/.env': 'x' };
    for (let index = 10; index < 80; index += 1) files[`/data/sub${index}/a.txt`] = 'words';
    const world = createWorld({ root: '/data', files });
    const answer = await playRun(world, 'Report on /data.');
    const report = world.written.get('/data/report.md') ?? '';
    const listed = world.calls.filter(({ tool }) => tool === 'files__list_directory');
    assert.equal(listed.length, 64);
    assert.match(report, /^32 of 64 files were read/m);
    assert.match(answer, /I read 32 of 64 files in \/data:/);
    for (const text of [report, answer]) {
      assert.match(text, /Left out: 32 files \(\.env, sub42\/a\.txt, .*, and 27 more\)\./);
      assert.match(
        text,
        /Not visited: 8 folders \(\.git, sub73, sub74, sub75, sub76, and 3 more\)/,
      );
    }
  });

  test('writes of an empty folder that there was nothing to read', async () => {
    const world = createWorld({ root: '/data', files: {} });
    const answer = await playRun(world, 'Report on /data.');
    assert.match(world.written.get('/data/report.md') ?? '', /^There was nothing to read\.$/m);
    assert.match(answer, /nothing to read in \/data\..*Writing the report .* worked\./s);
  });

  test('says why there is no report', async () => {
    const { tools, ...rest } = createWorld({ root: '/data', files: sampleFiles });
    const readOnly = {
      ...rest,
      tools: tools.filter(({ serverTool }) => serverTool !== 'write_file'),
    };
    assert.match(await playRun(readOnly, 'Report on /data.'), /offered no tool that writes/);
    const closed = createWorld({ root: '/data', files: sampleFiles, refuse: () => 'Denied.' });
    assert.match(await playRun(closed, 'Report on /data.'), /could not look into the folder/);
  });

  test('says in its answer that the report could not be written', async () => {
    const world = createWorld({
      root: '/data',
      files: sampleFiles,
      refuse: (tool) => (tool === 'files__write_file' ? 'Denied: no.' : undefined),
    });
    const answer = await playRun(world, 'Report on /data.');
    assert.match(answer, /Writing the report to \/data\/report\.md was not possible: Denied: no\./);
    assert.match(answer, /a\.md: \d+ bytes/);
  });

  test('ends when the folder itself is refused', async () => {
    const world = createWorld({ root: '/data', files: sampleFiles, refuse: () => 'Denied: all.' });
    assert.match(await playRun(world, 'Report on /data.'), /- \/data: Denied: all\./);
    assert.match(await playRun(world, 'Report.'), /found no folder to report on \(Denied: all\.\)/);
  });

  test('says what it is when no offered tool fits', async () => {
    const provider = createScriptedProvider({ name: 'demo' });
    const request = requestOf([userMessage('What is the capital of France?')]);
    const events = await Array.fromAsync(provider.stream(request, { signal: never() }));
    assert.match(collect(events).text, /not a language model.*Offered are: none/);
  });

  test('reads each text file of any folder once and ends', async () => {
    const name = fc.stringMatching(/^[a-z0-9 _-]{1,12}$/).map((stem) => `x${stem}x.txt`);
    const tree = fc.dictionary(
      fc
        .tuple(fc.constantFrom('', 'sub/', 'private/', 'sub/deep/'), name)
        .map((parts) => parts.join('')),
      fc.string({ minLength: 1 }),
      { minKeys: 1, maxKeys: 16 },
    );
    await fc.assert(
      fc.asyncProperty(tree, async (texts) => {
        const files: Record<string, string> = {};
        for (const [path, text] of Object.entries(texts)) files[`/r/${path}`] = text;
        const world = createWorld({ root: '/r', files });
        await playRun(world, 'Report on /r.');
        const read = world.calls.filter(({ tool }) => tool === 'files__read_text_file');
        assert.equal(read.length, Object.keys(files).length);
        const paths = new Set(read.map(({ arguments: { path } }) => path));
        assert.deepEqual(paths, new Set(Object.keys(files)));
      }),
      { numRuns: 50 },
    );
  });
});

suite('the stream of the demo model', () => {
  test('never fails and never exceeds its bound, for any conversation and catalogue', async () => {
    const provider = createScriptedProvider({ name: 'demo' });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyMessage, { maxLength: 8 }),
        fc.array(anyTool, { maxLength: 6 }),
        fc.integer({ min: 1, max: 400 }),
        async (messages, tools, maxOutputTokens) => {
          const request = requestOf(messages, { tools, maxOutputTokens });
          const events = await Array.fromAsync(provider.stream(request, { signal: never() }));
          const again = await Array.fromAsync(provider.stream(request, { signal: never() }));
          assert.deepEqual(again, events);
          const last = events.at(-1);
          assert.ok(last?.type === 'done');
          const { usage } = last.stats;
          assert.ok(usage !== undefined && usage.outputTokens <= maxOutputTokens);
          assert.ok(bytesOf(events) <= maxOutputTokens * 4);
          assert.equal(usage.outputTokens, Math.ceil(bytesOf(events) / 4));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('comes in small deltas and is cut with the reason length', async () => {
    const script = readScript([{ text: 'one two three four five six' }]);
    const provider = createScriptedProvider({ name: 'demo', script });
    const whole = await play(provider, 100);
    assert.ok(whole.length > 5);
    assert.equal(collect(whole).text, 'one two three four five six');
    const cut = await play(provider, 2);
    assert.equal(collect(cut).text, 'one two ');
    assert.equal(finishReasonOf(cut), 'length');
  });

  test('ends at once when it is aborted while it waits', async () => {
    const script = readScript([{ text: 'late', delayMs: 60_000 }]);
    const controller = new AbortController();
    let cancelled = 0;
    const setTimer = (): (() => void) => {
      controller.abort(new Error('enough'));
      return () => (cancelled += 1);
    };
    const provider = createScriptedProvider({ name: 'demo', script, setTimer });
    const request = requestOf([userMessage('x')]);
    const stream = provider.stream(request, { signal: controller.signal });
    await assert.rejects(Array.fromAsync(stream), /enough/);
    assert.equal(cancelled, 1);
  });

  test('ends between two deltas when it is aborted', async () => {
    const controller = new AbortController();
    const provider = createScriptedProvider({ name: 'demo' });
    const request = requestOf([userMessage('x')]);
    let deltas = 0;
    await assert.rejects(async () => {
      for await (const event of provider.stream(request, { signal: controller.signal })) {
        deltas += event.type === 'text-delta' ? 1 : 0;
        if (deltas === 3) controller.abort(new Error('enough'));
      }
    }, /enough/);
    assert.equal(deltas, 3);
  });
});

suite('a script', () => {
  test('plays the step of the turn, or the first one whose conditions hold', async () => {
    const script = readScript([
      { when: { lastToolContains: 'boom' }, text: 'It broke.' },
      { when: { userContains: 'hello', turn: 1 }, text: 'Hello.' },
      { text: 'Third place, third turn.' },
    ]);
    const provider = createScriptedProvider({ name: 'demo', script });
    const called: readonly Message[] = [
      userMessage('do it'),
      { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 't', arguments: '{}' }] },
      { role: 'tool', toolCallId: '1', toolName: 't', content: 'boom!', isError: true },
    ];
    const silent: Message = { role: 'assistant', content: '', toolCalls: [] };
    assert.equal(await textOf(provider, [userMessage('hello you')]), 'Hello.');
    assert.equal(await textOf(provider, called), 'It broke.');
    assert.equal(
      await textOf(provider, [userMessage('x'), silent, silent]),
      'Third place, third turn.',
    );
    assert.match(await textOf(provider, [userMessage('x')]), /no step for turn 1/);
  });

  test('asks for tools, and may do so with arguments that are no JSON', async () => {
    const script = readScript([
      {
        toolCalls: [
          { name: 'a', arguments: { path: '/x' } },
          { name: 'b', arguments: '{' },
        ],
      },
    ]);
    const events = await play(createScriptedProvider({ name: 'demo', script }), 100);
    const calls = collect(events).toolCalls.map(({ name, arguments: text }) => [name, text]);
    assert.deepEqual(calls, [
      ['a', '{"path":"/x"}'],
      ['b', '{'],
    ]);
    assert.equal(finishReasonOf(events), 'tool-calls');
  });

  test('fails as a provider does', async () => {
    const error = { code: 'provider_rate_limited', message: 'slow down', retryAfterMs: 900 };
    const provider = createScriptedProvider({ name: 'demo', script: readScript([{ error }]) });
    await assert.rejects(play(provider, 10), { ...error, facts: { provider: 'demo' } });
  });

  const wrong: readonly (readonly [string, unknown, string])[] = [
    ['no list', { steps: [] }, 'steps must be a list'],
    ['an empty list', [], 'steps must be a list'],
    ['a step that is a text', ['hello'], 'steps[0] must be a mapping'],
    ['an unknown key', [{ txt: 'x' }], 'steps[0].txt is not known; known are when, text'],
    ['a turn of 0', [{ when: { turn: 0 } }], 'steps[0].when.turn must be a whole number'],
    ['a call without a name', [{ toolCalls: [{}] }], 'steps[0].toolCalls[0] must have a name'],
    [
      'arguments that are a number',
      [{ toolCalls: [{ name: 'a', arguments: 1 }] }],
      'arguments must be',
    ],
    ['an unknown finish reason', [{ finishReason: 'done' }], 'finishReason must be one of stop'],
    ['an endless delay', [{ delayMs: Infinity }], 'delayMs must be a number of milliseconds'],
    ['an error that is no provider error', [{ error: { code: 'internal' } }], 'error.code must be'],
  ];
  for (const [what, value, message] of wrong) {
    test(`with ${what} is refused`, () => {
      assert.throws(
        () => readScript(value),
        (thrown) =>
          thrown instanceof HostError &&
          thrown.code === 'config_invalid' &&
          thrown.message.includes(message),
      );
    });
  }

  test('is refused or read, whatever it is; nothing else is ever thrown', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          assert.ok(readScript(value).steps.length > 0);
        } catch (thrown) {
          assert.ok(thrown instanceof HostError && thrown.code === 'config_invalid');
        }
      }),
    );
  });
});

const toolName = fc.constantFrom(
  'files__list_directory',
  'files__read_text_file',
  'files__write_file',
  'files__list_allowed_directories',
  'memory__create_entities',
  'other',
);
const anyCall = fc.record({
  id: fc.constantFrom('1', '2', '3'),
  name: toolName,
  arguments: fc.oneof(fc.json(), fc.string(), fc.constant('{"path":"/r"}')),
});
const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  fc.oneof(fc.string(), fc.constant('Report on /r to out.md')).map(userMessage),
  fc.record({
    role: fc.constant('assistant' as const),
    content: fc.string(),
    toolCalls: fc.array(anyCall, { maxLength: 3 }),
  }),
  fc.record({
    role: fc.constant('tool' as const),
    toolCallId: fc.constantFrom('1', '2', '3'),
    toolName,
    content: fc.oneof(fc.string(), fc.constant('[FILE] a.txt\n[DIR] sub\n/r')),
    isError: fc.boolean(),
  }),
);
const anyTool: fc.Arbitrary<ToolDefinition> = fc.record({
  name: toolName,
  description: fc.string(),
  inputSchema: fc.constantFrom(
    { type: 'object', properties: { path: {}, content: {}, entities: {} } },
    { type: 'object', required: ['never'] },
    { type: 'object', properties: [] },
  ),
  effect: fc.constant('none' as const),
  integrity: fc.constant('untrusted' as const),
  decisionArguments: fc.constant([]),
  server: fc.constant('files'),
  serverTool: fc.string(),
  executor: fc.constant('host' as const),
});

function userMessage(text: string): Message {
  return { role: 'user', content: [{ type: 'text', text }] };
}

async function play(
  provider: ReturnType<typeof createScriptedProvider>,
  maxOutputTokens: number,
): Promise<readonly ModelEvent[]> {
  const request = requestOf([userMessage('x')], { maxOutputTokens });
  return Array.fromAsync(provider.stream(request, { signal: never() }));
}

async function textOf(
  provider: ReturnType<typeof createScriptedProvider>,
  messages: readonly Message[],
): Promise<string> {
  return collect(await Array.fromAsync(provider.stream(requestOf(messages), { signal: never() })))
    .text;
}

function finishReasonOf(events: readonly ModelEvent[]): string {
  const last = events.at(-1);
  return last?.type === 'done' ? last.stats.finishReason : '';
}

function bytesOf(events: readonly ModelEvent[]): number {
  const { text, toolCalls } = collect(events);
  return toolCalls.reduce(
    (sum, call) => sum + Buffer.byteLength(call.name + call.arguments),
    Buffer.byteLength(text),
  );
}
