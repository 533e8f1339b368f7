/**
 * Keeps a data directory as the hosts of a version write it, for the test that opens all that were ever kept:
 * `npm run fixture:data -- 0.6.0`. Run it right before the version is tagged. The keys in it are made for it and used nowhere else.
 */
import { keep } from './kept-directory.ts';
import { writeStory } from './write-story.ts';

const [version = ''] = process.argv.slice(2);
if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error('name the version, such as 0.6.0');
const ends: (() => Promise<void>)[] = [];
try {
  const owner = { after: (end: () => Promise<void>) => void ends.push(end) };
  const { dataDirectory, account } = await writeStory(owner, version);
  const bytes = await keep(dataDirectory, account);
  const stories = account.runs.map(({ story }) => story).join(', ');
  console.log(`testkit/fixtures/data-${version}: ${stories}; ${bytes} bytes`);
} finally {
  // oxlint-disable-next-line no-await-in-loop -- the newest first
  for (const end of ends.toReversed()) await end();
}
