export { openDecisionLog } from './decision-log.ts';
export type { DecisionLog, DecisionLogOptions, DecisionLogStatistics } from './decision-log.ts';
export type { LogEntry, LoggedDecision, ShadowDecision } from './entry.ts';
export type { RowFilter as DecisionFilter } from './log-file.ts';
export type { DecisionPage } from './log-reader.ts';
export type { PageQuery } from './query.ts';
