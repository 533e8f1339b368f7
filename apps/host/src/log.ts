import { pino } from 'pino';
import type { Logger } from 'pino';
import type { LogLevel } from './config/tree.ts';

/** The structured log of the host: one JSON object a line on stderr. */
export function createLog(options: { readonly level: LogLevel; readonly version: string }): Logger {
  return pino(
    {
      level: options.level,
      base: { service: 'model-host', version: options.version },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // The causes of errors stay here; keys and arguments are never given to the log.
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    // Written at once: a line about a crash must not be lost in a buffer.
    pino.destination({ dest: 2, sync: true }),
  );
}
