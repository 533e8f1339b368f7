/** A value that was measured after so many calls. */
export interface Sample {
  readonly calls: number;
  readonly value: number;
}

/** How much the value grows with each call, by the line that fits the samples best (least squares). */
export function slopeOf(samples: readonly Sample[]): number {
  const meanOf = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const callsMean = meanOf(samples.map(({ calls }) => calls));
  const valueMean = meanOf(samples.map(({ value }) => value));
  let covariance = 0;
  let variance = 0;
  for (const { calls, value } of samples) {
    covariance += (calls - callsMean) * (value - valueMean);
    variance += (calls - callsMean) ** 2;
  }
  return variance === 0 ? 0 : covariance / variance;
}
