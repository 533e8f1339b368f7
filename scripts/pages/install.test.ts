import { test } from 'node:test';
import { walkPage, withoutOpenssl } from '../walk-page.ts';

const page = 'docs/install.md';

// Its host needs the certificate that the page makes.
if (withoutOpenssl === false) walkPage(page);
else test(page, { skip: withoutOpenssl });
