import { buildCommand } from '@stricli/core';
import type { Command } from '@stricli/core';
import type { RedactFlags } from '../commands/redact.ts';
import type { CliContext } from '../context.ts';
import { bind } from './bind.ts';

/** `model-host redact`. */
export const redactCommand: Command<CliContext> = buildCommand<RedactFlags, [], CliContext>({
  loader: bind(async () => (await import('../commands/redact.ts')).redact),
  parameters: {
    flags: {
      detectors: {
        kind: 'parsed',
        parse: String,
        optional: true,
        variadic: ',',
        brief: 'What to look for, with commas between (default: all but terms)',
        placeholder: 'names',
      },
      term: {
        kind: 'parsed',
        parse: readTerm,
        optional: true,
        variadic: true,
        brief: 'A name or term to hide as well; may be given again',
        placeholder: 'text',
      },
      style: {
        kind: 'enum',
        values: ['token', 'mask', 'hash', 'drop'],
        default: 'token',
        brief: 'What stands in its place; hash needs a secret in MODEL_HOST_REDACT_KEY',
      },
      explain: {
        kind: 'boolean',
        optional: true,
        withNegated: false,
        brief: 'Write line, column, detector and kind of each finding to stderr, never the value',
      },
    },
  },
  docs: {
    brief: 'Hide secrets and personal data: stdin to stdout, as it comes',
    customUsage: ['<app.log', '--detectors email,card --style mask <notes.txt', '--explain <diff'],
    fullDescription: [
      'Hide secrets and personal data: stdin to stdout, as it comes.',
      '',
      'Exits with 0 when nothing was found, 1 when something was, 2 when it could not do its work.',
      'Bytes that are no UTF-8 come out as U+FFFD.',
    ].join('\n'),
  },
});

function readTerm(text: string): string {
  if (text.trim() === '') throw new Error('write a name or term; nothing can be found of none');
  return text;
}
