/**
 * Worlds in which a law was broken once, by their seeds, and what it came from. Each is played again in every test run; a change
 * that draws otherwise makes another world of a seed, and then it is only one more of them. What is drawn apart has a name under which none
 * of these seeds draws it, unless that is what it is here for.
 */
export const regressions: ReadonlyMap<number, string> = new Map([
  [449, 'a short history got longer when it was compacted'],
  [15_755, 'a model was asked after a stop that the store did not take'],
  [24_883, 'a model was asked after a stop that the store did not take'],
  [338_365, 'a law did not know of a call whose beginning was lost, and that rules then denied'],
  [225_244, 'a run that had to be ended by force had used nothing, as far as it said'],
  [118_266, 'a law did not know of answers that were lost before a model was asked'],
  [
    641,
    'a call that was over at the stop was told to the next run of its session as one in flight',
  ],
  [439_820, 'a fork that was asked for again took the budget from the one that was at work'],
  [464_422, 'a fork was taken whose budget ends among calls that the loop answers itself'],
  [545_848, 'a fork was taken whose budget ends among calls that the loop answers itself'],
  [
    457_415,
    'what a call asked the model that was taken over was told as if it had been another one',
  ],
  [519_024, 'a fork under another model did not cut the conversation where its run had'],
]);
