/** Preloaded by the scripts in package.json: keeps compiled sources in .cache, for this process and those it starts. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

const directory = fileURLToPath(new URL('../.cache/compile', import.meta.url));
enableCompileCache(directory);
process.env['NODE_COMPILE_CACHE'] = directory;
