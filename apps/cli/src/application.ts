import {
  buildApplication,
  buildRouteMap,
  ExitCode as StricliCode,
  run,
  text_en,
} from '@stricli/core';
import { agentsRoutes, modelsRoutes } from './routes/catalogue.ts';
import { configRoutes } from './routes/config.ts';
import { demoCommand } from './routes/demo.ts';
import {
  auditRoutes,
  healthCommand,
  keysRoutes,
  serveCommand,
  versionCommand,
} from './routes/host.ts';
import { mcpRoutes } from './routes/mcp.ts';
import { policyRoutes } from './routes/policy.ts';
import { redactCommand } from './routes/redact.ts';
import { runCommand } from './routes/run.ts';
import { runsRoutes } from './routes/runs.ts';
import { sessionsRoutes } from './routes/sessions.ts';
import { storageRoutes } from './routes/storage.ts';
import { toolsRoutes } from './routes/tools.ts';
import type { CliContext } from './context.ts';
import { exitCodes, readFailure } from './failure.ts';
import type { ExitCode } from './failure.ts';
import { describeUsage } from './usage-text.ts';
import { readVersion } from './version.ts';

const root = buildRouteMap({
  routes: {
    demo: demoCommand,
    serve: serveCommand,
    run: runCommand,
    runs: runsRoutes,
    sessions: sessionsRoutes,
    agents: agentsRoutes,
    models: modelsRoutes,
    tools: toolsRoutes,
    mcp: mcpRoutes,
    health: healthCommand,
    config: configRoutes,
    policy: policyRoutes,
    audit: auditRoutes,
    storage: storageRoutes,
    keys: keysRoutes,
    redact: redactCommand,
    version: versionCommand,
  },
  docs: {
    brief: 'Run LLM agents, governed, bounded and recorded.',
    fullDescription: [
      'Run LLM agents, governed, bounded and recorded.',
      '',
      'Begin with `model-host demo`: it needs no key and no service.',
      'Data goes to stdout and messages to stderr; --json prints JSON: one document, or a line for each event.',
      'Exit codes: 0 ok, 1 failure, 2 usage, 3 configuration invalid, 4 unauthenticated or denied,',
      '5 not found, 6 budget or limit, 7 unavailable, 130 interrupted.',
    ].join('\n'),
  },
});

/** Runs one command; gives the exit code of what went wrong, and undefined when nothing did. */
export async function runApplication(
  inputs: readonly string[],
  context: CliContext,
): Promise<ExitCode | undefined> {
  const application = buildApplication<CliContext>(root, {
    name: 'model-host',
    versionInfo: { currentVersion: readVersion() },
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    // The lines that begin with red would be whole documents of problems.
    documentation: { disableAnsiColor: true, onlyRequiredInUsageLine: true },
    localization: {
      text: {
        ...text_en,
        exceptionWhileRunningCommand: (thrown) => readFailure(thrown).text,
        exceptionWhileLoadingCommandFunction: (thrown) => readFailure(thrown).text,
        exceptionWhileParsingArguments: (thrown) => describeUsage(thrown, inputs),
        noCommandRegisteredForInput: (given) => {
          if (given.input === 'help') return 'help: is a flag, and no command';
          return given.input.startsWith('-')
            ? `${given.input}: flags come after the command`
            : text_en.noCommandRegisteredForInput(given);
        },
      },
    },
    determineExitCode: (thrown) => readFailure(thrown).exitCode,
  });
  const process: {
    stdout: typeof context.process.stdout;
    stderr: typeof context.process.stderr;
    exitCode?: number | string | null;
  } = { ...context.process };
  await run(application, inputs, { ...context, process });
  // Once, also where several words are wrong.
  if (isMisunderstood(process.exitCode)) context.say(hint);
  return toExitCode(process.exitCode);
}

function isMisunderstood(code: number | string | null | undefined): boolean {
  return code === StricliCode.UnknownCommand || code === StricliCode.InvalidArgument;
}

function toExitCode(code: number | string | null | undefined): ExitCode | undefined {
  switch (code) {
    case undefined:
    case null:
    case StricliCode.Success:
      return undefined;
    case StricliCode.UnknownCommand:
    case StricliCode.InvalidArgument:
      return exitCodes.usage;
    default:
      return known.find((own) => own === code) ?? exitCodes.failure;
  }
}

const hint = 'next: --help shows commands, arguments and flags';
const known = Object.values(exitCodes);
