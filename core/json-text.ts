import {
  findNodeAtLocation,
  getNodeValue,
  parseTree,
  printParseErrorCode,
  type Node,
  type ParseError,
} from "jsonc-parser";
import { printPath, shown, type Problem } from "./problem";

/** A JSON text as a value, with the line of each of its parts. */
export interface JsonText {
  readonly value: unknown;
  /** The line of a path, or of its nearest part that exists. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
  /** Keys that are written twice: only one of the two values would count. */
  readonly problems: readonly Problem[];
}

/** What jsonc-parser's codes mean to the person who wrote the text. */
const SYNTAX: Readonly<Record<string, string>> = {
  CommaExpected: "a comma is missing before this place",
  ColonExpected: "a colon is missing before this place",
  PropertyNameExpected:
    "a key in double quotes must stand here (or the comma before a closing brace is one too many)",
  ValueExpected: "a value must stand here (or the comma before a closing bracket is one too many)",
  CloseBraceExpected: "a closing brace } is missing",
  CloseBracketExpected: "a closing bracket ] is missing",
  EndOfFileExpected: "something follows after the end of the object",
  InvalidCommentToken: "JSON has no comments",
  UnexpectedEndOfComment: "JSON has no comments",
  UnexpectedEndOfString: "a text is not closed; its double quote is missing",
  UnexpectedEndOfNumber: "a number is not complete",
  InvalidNumberFormat: "this is no number",
  InvalidUnicode: "\\u needs four hex digits",
  InvalidEscapeCharacter: "a backslash must be written twice",
  InvalidCharacter: "a text holds a control character, such as a tab; write it as \\t",
  InvalidSymbol: "this is neither a text in double quotes, nor a number, true, false or null",
};

/** Parses strict JSON (a byte order mark is skipped). `file` is its name for messages; nothing is thrown. */
export function parseJson(file: string, withMark: string): JsonText | { readonly syntax: Problem } {
  const text = withMark.replace(/^\uFEFF/, "");
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true });
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  // Only the first: those after it follow from it.
  const first = errors.sort((a, b) => a.offset - b.offset)[0];
  if (tree === undefined || first !== undefined) {
    if (text.trim() === "")
      return { syntax: { file, line: 1, path: "", message: "is empty; it must be a JSON object" } };
    return {
      syntax: { file, line: lineAt(first?.offset ?? 0), path: "", message: syntaxMessage(text, first) },
    };
  }
  return {
    value: getNodeValue(tree) as unknown,
    lineOf: (path) => lineAt(nearestNode(tree, path as (string | number)[]).offset),
    problems: doubledKeys(tree).map(({ path, offset }) => ({
      file,
      line: lineAt(offset),
      path: printPath(path),
      message: "is written twice; keep one of the two",
    })),
  };
}

function syntaxMessage(text: string, error: ParseError | undefined): string {
  if (error === undefined) return "is no JSON";
  const words = SYNTAX[printParseErrorCode(error.error)] ?? "it cannot be read";
  const near =
    text
      .slice(error.offset, error.offset + 20)
      .split("\n")[0]
      ?.trim() ?? "";
  return `is no JSON: ${words}${near === "" ? "" : `, at \`${shown(near)}\``}`;
}

function nearestNode(tree: Node, path: (string | number)[]): Node {
  for (let length = path.length; length > 0; length--) {
    const found = findNodeAtLocation(tree, path.slice(0, length));
    if (found) return found.parent?.type === "property" ? found.parent : found;
  }
  return tree;
}

function doubledKeys(
  node: Node,
  path: readonly PropertyKey[] = [],
): { path: PropertyKey[]; offset: number }[] {
  const children = node.children ?? [];
  if (node.type === "array") return children.flatMap((child, index) => doubledKeys(child, [...path, index]));
  if (node.type !== "object") return [];
  const seen = new Set<string>();
  return children.flatMap(({ offset, children: [key, value] = [] }) => {
    const name = String(key?.value);
    const doubled = seen.has(name) ? [{ path: [...path, name], offset }] : [];
    seen.add(name);
    return [...doubled, ...(value ? doubledKeys(value, [...path, name]) : [])];
  });
}
