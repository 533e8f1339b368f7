export { defaultStoreBounds } from './bounds.ts';
export type { StoreBounds } from './bounds.ts';
export type { StorageReason } from './fault.ts';
export { backupSqliteStore, restoreSqliteStore, verifySqliteStore } from './maintenance/tasks.ts';
export { openSqliteStore } from './open-store.ts';
export type { SqliteStore, SqliteStoreOptions } from './open-store.ts';
