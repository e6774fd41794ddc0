import { isCollection, isMap, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import type { z } from "zod";
import { printPath, printProblem, sayIssues } from "./problem";

/**
 * Parses YAML and checks it against a schema. Throws one Error that names every fault as `file:line: key: what is wrong`.
 * `file` is only for these messages.
 */
export function readYaml<T extends z.ZodType>(file: string, source: string, schema: T): z.infer<T> {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const line = (offset: number) => lines.linePos(offset).line;
  if (document.errors.length > 0) {
    throw new Error(
      document.errors.map(({ pos, message }) => `${file}:${line(pos[0])}: ${message}`).join("\n"),
    );
  }
  const result = schema.safeParse(document.toJS(), { reportInput: true });
  if (result.success) return result.data;
  const problems: string[] = [];
  sayIssues(
    result.error.issues,
    () => [],
    (path, message) => {
      const place = { file, line: line(offset(document, path)), path: printPath(path) };
      problems.push(printProblem({ ...place, message }));
    },
  );
  throw new Error(problems.join("\n"));
}

/** Where the deepest part of the path that exists begins. */
function offset(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let at = 0;
  for (const part of path) {
    if (!isCollection(node)) break;
    const key = isMap(node)
      ? node.items.find((pair) => isScalar(pair.key) && pair.key.value === part)?.key
      : undefined;
    const next: unknown = node.get(part, true);
    at = start(key) ?? start(next) ?? start(node) ?? at;
    if (next === undefined) break;
    node = next;
  }
  return at;
}

function start(node: unknown): number | undefined {
  return isScalar(node) || isCollection(node) ? node.range?.[0] : undefined;
}
