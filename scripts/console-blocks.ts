import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readWords } from './warm-command.ts';
import type { Done, WarmCommand } from './warm-command.ts';

/** A fenced block of a page. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** Line of its first line in the page, from 1. */
  readonly line: number;
}

/** A command of a `console` block with the output that the page shows. */
export interface ShownCommand {
  readonly command: string;
  readonly output: readonly string[];
}

/** Every fenced block, in its order. */
export function readBlocks(page: string): readonly Block[] {
  return Array.from(page.matchAll(/^```([^\n]*)\n(.*?)^```$/gms), (match) => {
    const [, language = '', text = ''] = match;
    const line = page.slice(0, match.index).split('\n').length + 1;
    return { language: language.trim(), text, line };
  });
}

/** Lines that begin with `$ ` are commands; a command goes on after a line that ends with a backslash. */
export function readCommands(text: string): readonly ShownCommand[] {
  const commands: { command: string; output: string[] }[] = [];
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const last = commands.at(-1);
    if (line.startsWith('$ ')) commands.push({ command: line.slice(2), output: [] });
    else if (last?.output.length === 0 && last.command.endsWith('\\')) last.command += `\n${line}`;
    else last?.output.push(line);
  }
  return commands;
}

/** Where and how a line is run. */
export interface LineOptions {
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Runs what is a single call of its program, in the same directory. */
  readonly warm: WarmCommand;
}

/** Runs a line as a person would type it. */
export async function runLine(line: string, options: LineOptions): Promise<Done> {
  const { directory, environment, warm } = options;
  const [node, program, ...words] = readWords(line) ?? [];
  if (node === process.execPath && program === warm.program) return warm.run(words, environment);
  const child = spawn('sh', ['-c', `{ ${line}\n} 2>&1`], {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 110_000,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(child, 'close');
  return { status: child.exitCode, output };
}

const varying: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\b[0-9a-f]{64}\b/g, '<digest>'],
  [/\b[0-9a-f]{24}\b/g, '<id>'],
  [/\b[0-9a-f]{12}\b/g, '<key>'],
  [/\b(?:call|run|ses)_[0-9a-z]{26}\b/g, '<id>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '<time>'],
  [/\b\d+(?:\.\d+)? (?:ms|s)\b/g, '<span>'],
  [/127\.0\.0\.1:\d+/g, '<address>'],
  // Events of one turn of the event loop are one record.
  [/\b\d+ sealed records\b/g, '<records>'],
];

/** Without what is different each time. */
function toComparable(line: string): string {
  return varying.reduce((text, [pattern, name]) => text.replaceAll(pattern, name), line.trimEnd());
}

/** Whether the page shows this output; a line `…` stands for any lines. */
export function isShown(shown: readonly string[], output: string): boolean {
  const pattern = shown
    .map((line) => (line === '…' ? '(?:.*\\n)*?' : `${RegExp.escape(toComparable(line))}\\n`))
    .join('');
  const actual = output
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `${toComparable(line)}\n`)
    .join('');
  return new RegExp(`^${pattern}$`).test(output === '' ? '' : actual);
}
