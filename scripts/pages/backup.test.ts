import { walkPage } from '../walk-page.ts';

walkPage('docs/backup.md');
