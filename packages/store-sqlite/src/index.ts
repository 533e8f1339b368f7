export { defaultStoreBounds } from './bounds.ts';
export type { StoreBounds } from './bounds.ts';
export type { StorageReason } from './fault.ts';
export { readSealedTexts } from './maintenance/sealed.ts';
export type { SealedText } from './maintenance/sealed.ts';
export type { StoreStatus } from './maintenance/status.ts';
export {
  backupSqliteStore,
  describeSqliteStore,
  restoreSqliteStore,
  verifySqliteStore,
} from './maintenance/tasks.ts';
export { raiseMark } from './reached.ts';
export type { KnownMark, StoreMark, StoreWitness } from './store-mark.ts';
export { openSqliteStore } from './open-store.ts';
export type { SqliteStore, SqliteStoreOptions } from './open-store.ts';
