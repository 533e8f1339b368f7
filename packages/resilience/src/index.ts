export { createBackoff } from './backoff.ts';
export type { Backoff, BackoffOptions } from './backoff.ts';
export { createBreaker } from './breaker.ts';
export type { Breaker, BreakerOptions, BreakerPass } from './breaker.ts';
export { createBulkhead } from './bulkhead.ts';
export type { Bulkhead, BulkheadOptions } from './bulkhead.ts';
