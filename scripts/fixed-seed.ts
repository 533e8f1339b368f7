/**
 * Preloaded by `npm test`: every property draws the same cases in every run, so that what fails once fails again.
 * `PROPERTY_SEED=$RANDOM npm test` draws others, and says which; a test file that is run by itself draws new ones each time.
 */
import fc from 'fast-check';

const { PROPERTY_SEED: given } = process.env;
const seed = Number(given ?? 20_261_126);
if (!Number.isSafeInteger(seed)) throw new Error(`PROPERTY_SEED: ${given}: write a whole number`);
if (given !== undefined) console.log(`properties draw by seed ${seed}`);
fc.configureGlobal({ seed });
