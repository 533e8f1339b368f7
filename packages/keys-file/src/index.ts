export { findKeys, loadKeys } from './load-keys.ts';
export type { KeySource } from './load-keys.ts';
