export { openAuditFile } from './audit-file.ts';
export type { AuditFileOptions } from './audit-file.ts';
export { verifyAuditFile } from './verify.ts';
export type { AuditProblem, AuditVerification } from './verify.ts';
