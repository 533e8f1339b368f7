/** The levels of RFC 5424 that MCP uses, from the least to the most severe. */
export const logLevels: readonly unknown[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];

/** Whether a value is one of the levels. */
export function isLogLevel(value: unknown): value is string {
  return logLevels.includes(value);
}
