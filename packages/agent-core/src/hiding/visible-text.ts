/** Characters that act on a terminal, or that nobody sees while a model reads them. Line feed and tab are text. */
const invisible = /(?![\n\t])[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Text of a tool server as a person may see it: without what is invisible, and cut with an ellipsis at `lengthMax`. */
export function toVisibleText(text: string, lengthMax: number): string {
  // Bounded before it is searched: a server may send megabytes.
  const start = text.slice(0, lengthMax * 4);
  const visible = withoutInvisible(start);
  if (visible.length <= lengthMax && start.length === text.length) return visible;
  // Half a surrogate pair would show as a replacement mark.
  return `${visible.slice(0, lengthMax - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** A text without what nobody sees. */
export function withoutInvisible(text: string): string {
  return text.toWellFormed().replaceAll(invisible, '');
}
