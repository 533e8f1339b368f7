import { walkPage } from '../walk-page.ts';

walkPage('docs/call.md');
