export { detectorNames, detectorTable, isDetectorName } from './detector-names.ts';
export type { DetectorEntry } from './detector-names.ts';
export { createDetectors } from './detectors.ts';
export type { DetectorName, DetectorOptions, Detectors, FindOptions } from './detectors.ts';
export type { Detected, Detection, Finding } from './finding.ts';
export { createWorkBudget } from './work-budget.ts';
export type { WorkBudget } from './work-budget.ts';
export type { HostRedactorOptions } from './port/compile.ts';
export { createHostRedactor } from './port/host-redactor.ts';
export { personalForms } from './personal/scanner.ts';
export { secretRules } from './rules/secret-rules.ts';
export type { SecretRule } from './rules/secret-rules.ts';
export type { ContextWord } from './segments/context-words.ts';
export { createJsonRedaction } from './stream/json-stream.ts';
export { redactJson } from './stream/json-value.ts';
export type { OnFinding } from './stream/json-value.ts';
export { createRedactor } from './stream/redactor.ts';
export type {
  Redacted,
  RedactionStream,
  Redactor,
  RedactorOptions,
  TextOptions,
} from './stream/redactor.ts';
export type { Placeholders, RenderOptions, Styles } from './styles/style.ts';
export { escapePlaceholders } from './vault/restore.ts';
export type { Restored, Reveal } from './vault/restore.ts';
export { createVault } from './vault/vault.ts';
export type { Vault, VaultEntry, VaultOptions, VaultState } from './vault/vault.ts';
export {
  mayBeWritten,
  skeletonOf,
  withoutHalfEscape,
  writingsOf,
  writtenLengthMax,
} from './vault/writings.ts';
