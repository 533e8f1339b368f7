import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { Redactor } from '@modelhost/kernel';
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { LogLevel } from './config/tree.ts';

/** What a log is made of. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly version: string;
  readonly redactor: Redactor;
  /** Where the lines go. Absent: stderr. */
  readonly destination?: DestinationStream;
}

/** The structured log of the host: one JSON object a line on stderr. Every line passes the redactor, whoever wrote it. */
export function createLog(options: LogOptions): Logger {
  const { level, version, redactor, destination } = options;
  return pino(
    {
      level,
      base: { service: 'model-host', version },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // The causes of errors stay here; keys and arguments are never given to the log.
      serializers: { err: pino.stdSerializers.errWithCause },
      hooks: { streamWrite: createHiding(redactor) },
    },
    // Written at once: a line about a crash must not be lost in a buffer.
    destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

/** Hides in the finished line, so that message, stack, fields and what a child logger is bound to are all seen. */
function createHiding(redactor: Redactor): (line: string) => string {
  const session = redactor.open({ tenant: '', sessionId: 'log' });
  return (line) => {
    const value = parseJsonText(line);
    // What each begins with is ours; the time could be taken for a number of somebody.
    const { level, time, service, version, ...told } = isJsonObject(value) ? value : {};
    const step = session.step();
    const shown = step.redactJson(told, {});
    if (Object.keys(step.found()).length === 0) return line;
    return `${JSON.stringify({ level, time, service, version, ...Object(shown) })}\n`;
  };
}
