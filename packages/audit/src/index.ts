export { openAuditFile } from './audit-file.ts';
export type { AuditFileOptions } from './audit-file.ts';
export { lockFile } from './file-lock.ts';
export type { FileLock } from './file-lock.ts';
export { verifyAuditFile } from './verify.ts';
export type { AuditProblem, AuditVerification } from './verify.ts';
