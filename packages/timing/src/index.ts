export { bestOf, bestOfThree, type Attempts } from './attempts.ts';
export { assertWithin, withSlack, type Reporter } from './bound.ts';
export { readCount } from './count.ts';
export { cpuMsOf } from './cpu.ts';
