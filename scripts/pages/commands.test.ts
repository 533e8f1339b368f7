import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { runLine } from '../console-blocks.ts';
import { startWarmCommand } from '../warm-command.ts';

/** Commands that .ci/run itself has run before any test could, by the mark of their block. */
const elsewhere: Readonly<Record<string, readonly string[]>> = {
  'sh prepared': [
    'npm ci',
    'npm ci && npm run demo',
    'npm ci && npm test',
    'npm test',
    'npm run check',
  ],
  // Minutes of measuring: run before its figures are written down.
  'sh by hand': [
    'npm run bench',
    'npm run bench -- --full',
    'npm run bench:journal',
    'npm run prove:parked',
    'npm run prove:scale',
    'npm run prove:replay',
    'npm run bench:mcp',
    'npm run soak:mcp',
    'npm run bench:policy',
    'npm run eval:injection',
    'npm run simulate -- --seeds 10000',
    'npm run simulate -- --mutants',
    'npm run prove:durability',
    // As root, on the machine of the host.
    'useradd --system --shell /usr/sbin/nologin model-host',
    'git clone --branch 0.6.0 REPOSITORY /opt/model-host',
    'cd /opt/model-host && npm ci --omit=dev --ignore-scripts',
    // Python's own, of a version that is not ours to choose.
    'pip install grpcio grpcio-tools googleapis-common-protos',
    'python -m grpc_tools.protoc -I ../proto --python_out . --grpc_python_out . ../proto/modelhost/v1/*.proto',
  ],
};

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs').map((name) => `docs/${name}`),
];

interface Block {
  readonly page: string;
  /** `sh`, `sh prepared`, `sh by hand`, `sh serves`, or another language. */
  readonly language: string;
  readonly lines: readonly string[];
}

const blocks = pages.filter((page) => page.endsWith('.md')).flatMap(readBlocks);
const program = resolve('apps/cli/src/main.ts');
const warm = startWarmCommand(program, '.');
const served: { child?: ChildProcess; grpc: string; audit: string; directory: string } = {
  grpc: '',
  audit: '',
  directory: mkdtempSync(join(tmpdir(), 'docs-')),
};

function readBlocks(page: string): readonly Block[] {
  const matches = readFileSync(page, 'utf8').matchAll(/^```([^\n]*)\n(.*?)^```$/gms);
  return Array.from(matches, ([, language = '', body = '']) => ({
    page,
    language: language.trim(),
    lines: body.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
  }));
}

/** The command as this checkout runs it, against the host of this test. */
function localize(line: string): string {
  return line
    .replaceAll('npx model-host', `"${process.execPath}" "${program}"`)
    .replaceAll(
      /^node_modules\/.bin\/model-host/g,
      `"${process.execPath}" apps/cli/bin/model-host.js`,
    )
    .replaceAll('npx buf', 'node_modules/.bin/buf')
    .replaceAll('http://127.0.0.1:7443', `http://${served.grpc}`)
    .replaceAll('.model-host/demo/audit.jsonl', served.audit)
    .replaceAll('backup.db', join(served.directory, 'backup.db'))
    .replaceAll('.model-host/restored', join(served.directory, 'restored'))
    .replace(
      /storage .*--config (?!.*--set).*/,
      `$& --set 'server.dataDirectory=${served.directory}'`,
    );
}

before(async () => {
  const [command = ''] = blocks.find(({ language }) => language === 'sh serves')?.lines ?? [];
  const settings = [
    'server.port=0',
    'server.healthPort=0',
    'mcp.port=0',
    `server.dataDirectory=${served.directory}`,
  ];
  const flags = settings.map((setting) => `--set '${setting}'`).join(' ');
  const child = spawn(`exec ${localize(command)} ${flags}`, {
    shell: true,
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  served.child = child;
  for await (const line of createInterface({ input: child.stderr })) {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null) continue;
    if ('grpcAddress' in entry && 'auditPath' in entry) {
      served.grpc = String(entry.grpcAddress);
      served.audit = String(entry.auditPath);
      break;
    }
  }
  child.stderr.resume();
  assert.notEqual(served.grpc, '', 'the host of the documents does not start');
});

after(async () => {
  const { child, directory } = served;
  if (child?.exitCode === null) {
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await ended;
  }
  await warm.close();
  rmSync(directory, { recursive: true, force: true });
  rmSync('examples/demo/files/report.md', { force: true });
});

test('a command that is not run here is one that is known to be run elsewhere', () => {
  for (const [mark, known] of Object.entries(elsewhere)) {
    const lines = blocks.flatMap(({ language, lines: all }) => (language === mark ? all : []));
    const commands = lines.map((line) => line.replace(/ +#.*$/, ''));
    assert.deepEqual(
      commands.filter((command) => !known.includes(command)),
      [],
    );
  }
});

/** What stands on several pages is run once. */
const commands = new Map<string, Set<string>>();
for (const { page, lines } of blocks.filter(({ language }) => language === 'sh')) {
  for (const line of lines) {
    commands.set(line, (commands.get(line) ?? new Set()).add(page));
  }
}

for (const [line, pagesOfLine] of commands) {
  test(`${[...pagesOfLine].join(', ')}: ${line}`, async () => {
    const environment = { ...process.env, MODEL_HOST_ADDRESS: served.grpc };
    const done = await runLine(localize(line), { directory: '.', environment, warm });
    assert.equal(done.status, 0, done.output);
  });
}
