/**
 * The part of Kibana's query language that our dashboards use, as the query that Kibana makes of it: `and`, `or`, `not`,
 * brackets, `field: value` and `field: (value or ...)`; a value is bare, quoted, or has `*` in it. Throws where it is not that.
 */
export function kqlQuery(text: string): object {
  const tokens = text.match(/"(?:\\.|[^"\\])*"|[():]|[^\s():"]+/g) ?? [];
  let at = 0;
  const peek = (word: string) => tokens[at]?.toLowerCase() === word;
  const take = (word: string) => peek(word) && ((at += 1), true);
  const expect = (word: string) => {
    if (!take(word)) throw new Error(`KQL: expected "${word}" before ${tokens[at] ?? "the end"} in ${text}`);
  };

  /** What is joined by `or`, of what is joined by `and`, of what may have a `not`. */
  function either(operand: () => object): object {
    const parts = [all(operand)];
    while (take("or")) parts.push(all(operand));
    return parts.length === 1 ? (parts[0] ?? {}) : { bool: { should: parts, minimum_should_match: 1 } };
  }
  function all(operand: () => object): object {
    const parts = [negated(operand)];
    while (take("and")) parts.push(negated(operand));
    return parts.length === 1 ? (parts[0] ?? {}) : { bool: { filter: parts } };
  }
  function negated(operand: () => object): object {
    if (take("not")) return { bool: { must_not: negated(operand) } };
    if (!take("(")) return operand();
    const inner = either(operand);
    expect(")");
    return inner;
  }

  function comparison(): object {
    const field = tokens[at++] ?? "";
    if (!/^[@a-z][\w.]*$/i.test(field)) throw new Error(`KQL: "${field}" is no field's name in ${text}`);
    expect(":");
    return negated(() => value(field));
  }
  function value(field: string): object {
    const token = tokens[at++] ?? "";
    if (token === "" || /^[():]$/.test(token)) throw new Error(`KQL: no value for ${field} in ${text}`);
    if (token.startsWith('"')) return { match_phrase: { [field]: JSON.parse(token) as string } };
    if (token === "*") return { exists: { field } };
    if (!token.includes("*")) return { match: { [field]: token } };
    const escaped = token.replaceAll(/[-+!(){}[\]^"~?:\\/]|&&|\|\|/g, "\\$&");
    return { query_string: { fields: [field], query: escaped } };
  }

  if (tokens.length === 0) return { match_all: {} };
  const query = either(comparison);
  if (at < tokens.length) throw new Error(`KQL: ${tokens[at]} is too much in ${text}`);
  return query;
}
