import { walkPage } from '../walk-page.ts';

walkPage('docs/extend.md');
