import { walkPage } from './walk-page.ts';

walkPage('docs/install.md');
