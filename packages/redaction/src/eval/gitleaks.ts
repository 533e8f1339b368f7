import { emit } from '../import/emit.ts';
import { readExpression } from '../import/expression.ts';
import { readUpstreamRules } from '../import/sources.ts';
import { entropyOf } from '../rules/entropy.ts';

/** Whether gitleaks' own rules find something in a text: keywords, expressions and entropy, as its project wrote them. */
export function createGitleaks(directory: string): (text: string) => boolean {
  const rules = readUpstreamRules(directory)
    .filter(({ origin }) => origin === 'gitleaks')
    .map((rule) => {
      const { source, flags } = emit(readExpression(rule.expression));
      return { ...rule, expression: new RegExp(source, `g${flags}`) };
    });
  return (text) => {
    const small = text.toLowerCase();
    return rules.some(
      ({ keywords, expression, entropy, secretGroup }) =>
        (keywords.length === 0 || keywords.some((keyword) => small.includes(keyword))) &&
        Array.from(text.matchAll(expression)).some((match) => {
          const first = match.slice(1).find((group) => group !== undefined && group !== '');
          const secret = secretGroup > 0 ? match[secretGroup] : first;
          return entropyOf(secret ?? match[0]) >= entropy;
        }),
    );
  };
}
