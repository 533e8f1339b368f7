/** Runs the official conformance suite as a process and reads what came of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerScript } from '../peer-programs.ts';

/** The two revisions that have requirements. */
export type Revision = '2026-07-28' | '2025-11-25';

/** What the suite is let loose on. */
export type Subject =
  | { readonly mode: 'server'; readonly url: string }
  /** The suite starts the command with the address of its own server as the last argument. */
  | { readonly mode: 'client'; readonly command: string };

/** One scenario, as the suite judged it. */
export interface Scenario {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  /** Whether the revision requires it; the others run all the same. */
  readonly isRequired: boolean;
  /** When it began, by the clock of this machine. In mode `server` one begins after the other. */
  readonly startedAtMs: number;
  /** The checks that failed, with their reasons. */
  readonly problems: readonly string[];
}

/** All scenarios of one revision. */
export interface SuiteRun {
  readonly scenarios: readonly Scenario[];
  readonly seconds: number;
  /** What the suite printed. */
  readonly output: string;
}

/** A run takes half a minute; one that hangs is ended. */
const runTimeoutMs = 240_000;
/**
 * Of one scenario. A task in the suite takes up to a quarter of a minute; as a client all scenarios start at once, each
 * with a process of its own, which on a busy machine takes longer.
 */
const scenarioTimeoutMs = 120_000;

/** Runs what the revision requires, and writes the suite's own records below `directory`. */
export async function runSuite(
  subject: Subject,
  revision: Revision,
  directory: string,
): Promise<SuiteRun> {
  const start = performance.now();
  const args = [
    peerScript('@modelcontextprotocol/conformance', 'conformance'),
    subject.mode,
    ...(subject.mode === 'server' ? ['--url', subject.url] : ['--command', subject.command]),
    '--requirements',
    revision,
    '--timeout',
    String(scenarioTimeoutMs),
    '--output-dir',
    directory,
  ];
  const suite = spawn(process.execPath, args, {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: runTimeoutMs,
  });
  let output = '';
  for (const stream of [suite.stdout, suite.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  await once(suite, 'close');
  return {
    scenarios: readScenarios(output, directory),
    seconds: (performance.now() - start) / 1_000,
    output,
  };
}

function readScenarios(output: string, directory: string): readonly Scenario[] {
  const summary = output.slice(Math.max(output.lastIndexOf('SUMMARY ==='), 0));
  const unscored = new Set(
    [...summary.matchAll(/^ {2}[✓✗] (\S+) \(/gm)].map(([, name = '']) => name),
  );
  const records = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return [...summary.matchAll(/^[✓✗] (\S+): (\d+) passed, (\d+) failed/gm)].map(
    ([, name = '', passed, failed]) => {
      const record = findRecord(records, name);
      return {
        name,
        passed: Number(passed),
        failed: Number(failed),
        isRequired: !unscored.has(name),
        startedAtMs: record?.startedAtMs ?? Number.NaN,
        problems: record === undefined ? [] : readProblems(join(directory, record.folder)),
      };
    },
  );
}

/** A record's folder is named for the scenario, which may have a slash in it, and the moment it began. */
function findRecord(
  folders: readonly string[],
  scenario: string,
): { readonly folder: string; readonly startedAtMs: number } | undefined {
  for (const folder of folders) {
    const [, name, date, hours, minutes, seconds] =
      /^(?:server-)?(.*)-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d-\d{3})Z$/.exec(folder) ?? [];
    if (name !== scenario) continue;
    const time = `${date}T${hours}:${minutes}:${seconds?.replace('-', '.')}Z`;
    return { folder, startedAtMs: Date.parse(time) };
  }
  return undefined;
}

/** What the suite writes; only these members are read. */
interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
  readonly details?: unknown;
}

function readProblems(folder: string): readonly string[] {
  // The suite is pinned: the shape of its records is known.
  const checks = JSON.parse(readFileSync(join(folder, 'checks.json'), 'utf8')) as readonly Check[];
  return checks
    .filter(({ status }) => status === 'FAILURE')
    .map(({ id, errorMessage, details }) => {
      const more = id.startsWith('wire-') ? ` ${JSON.stringify(details).slice(0, 500)}` : '';
      return `${id}: ${errorMessage ?? 'failed'}${more}`;
    });
}
