import { walkPage } from '../walk-page.ts';

walkPage('docs/audit.md');
