export { createDetectors } from './detectors.ts';
export type { DetectorName, DetectorOptions, Detectors } from './detectors.ts';
export type { Detection, Finding } from './finding.ts';
export { createWorkBudget } from './work-budget.ts';
export type { WorkBudget } from './work-budget.ts';
export { createRedactor } from './stream/redactor.ts';
export type {
  Redacted,
  RedactionStream,
  Redactor,
  RedactorOptions,
  TextOptions,
} from './stream/redactor.ts';
export type { Placeholders, RenderOptions, Styles } from './styles/style.ts';
