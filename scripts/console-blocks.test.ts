import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isShown, readBlocks, readCommands, runLine } from './console-blocks.ts';
import { startWarmCommand } from './warm-command.ts';

test('a page is taken apart into its blocks, and a block into its commands', () => {
  const page =
    'text\n\n```console\n$ one\nout\n\nmore\n$ two \\\n  three\n```\n\n```yaml\na: 1\n```\n';
  const [first, second] = readBlocks(page);
  assert.partialDeepStrictEqual(second, { language: 'yaml', text: 'a: 1\n', line: 13 });
  assert.equal(first?.line, 4);
  assert.deepEqual(readCommands(first.text), [
    { command: 'one', output: ['out', '', 'more'] },
    { command: 'two \\\n  three', output: [] },
  ]);
});

test('only what varies may differ from what is shown', () => {
  const shown = [`digest ${'a'.repeat(64)} at 2026-01-01T00:00:00Z in 5 ms`];
  assert.ok(isShown(shown, `digest ${'b'.repeat(64)} at 2027-02-02T10:00:00.123Z in 61.5 ms\n`));
  assert.ok(!isShown(shown, `digest ${'b'.repeat(63)} at 2027-02-02T10:00:00Z in 61 ms\n`));
  assert.ok(isShown(['2 rules'], '2 rules\n'));
  for (const other of ['3 rules\n', '2 rules\nand more\n', 'first\n2 rules\n', '']) {
    assert.ok(!isShown(['2 rules'], other), other);
  }
  assert.ok(!isShown(['2 (rules)'], '2 rules\n'));
  assert.ok(isShown([], '') && !isShown([], 'something\n'));
});

test('an ellipsis stands for any lines, and for those alone', () => {
  const shown = ['first', '…', 'last'];
  for (const output of ['first\nlast\n', 'first\na\nb\nlast\n']) assert.ok(isShown(shown, output));
  for (const output of ['first\n', 'last\n', 'first\nlast\nmore\n']) {
    assert.ok(!isShown(shown, output), output);
  }
});

test('a line is run as it is typed, and a single call of the program in the process that has it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'warm-'));
  const program = join(directory, 'program.mjs');
  writeFileSync(
    program,
    'console.log(process.pid, process.cwd(), ...process.argv.slice(2)); console.error(process.env.MARK); process.exitCode = process.argv.length;',
  );
  const warm = startWarmCommand(program, realpathSync(directory));
  try {
    const options = { directory, environment: { PATH: process.env['PATH'], MARK: 'm' }, warm };
    const line = 'echo one; echo two >&2; echo three | tr a-z A-Z; exit 3';
    assert.deepEqual(await runLine(line, options), { status: 3, output: 'one\ntwo\nTHREE\n' });
    const call = `"${process.execPath}" "${program}" 'a b' \\\n c="d e"`;
    const first = await runLine(call, options);
    assert.equal(first.status, 4);
    const [pid, rest] = /^(\d+) (.*)$/s.exec(first.output)?.slice(1) ?? [];
    assert.equal(rest, `${realpathSync(directory)} a b c=d e\nm\n`);
    assert.deepEqual(await runLine(call, options), first);
    assert.ok(!(await runLine(`${call} | cat`, options)).output.startsWith(`${pid} `));
  } finally {
    await warm.close();
    rmSync(directory, { recursive: true });
  }
});
