import {
  findNodeAtLocation,
  getNodeValue,
  parseTree,
  printParseErrorCode,
  type Node,
  type ParseError,
} from "jsonc-parser";
import { printPath, printable, type Problem } from "./problem";

/** The value of a JSON text, and where its parts are. */
export interface JsonText {
  readonly value: unknown;
  /** Returns the line of a path, or of the deepest key of the path that exists. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
  /** One for each key that occurs twice in an object: only one of the two values would count. */
  readonly problems: readonly Problem[];
}

/** jsonc-parser's error codes in words for the person who wrote the text. */
const SYNTAX: Readonly<Record<string, string>> = {
  CommaExpected: "a comma is missing before this place",
  ColonExpected: "a colon is missing before this place",
  PropertyNameExpected:
    "a key in double quotes is missing here, or the comma before a closing brace must be removed",
  ValueExpected: "a value is missing here, or the comma before a closing bracket must be removed",
  CloseBraceExpected: "a closing brace } is missing",
  CloseBracketExpected: "a closing bracket ] is missing",
  EndOfFileExpected: "text follows after the end of the object",
  InvalidCommentToken: "comments are not allowed",
  UnexpectedEndOfComment: "comments are not allowed",
  UnexpectedEndOfString: "a string is not closed: its double quote is missing",
  UnexpectedEndOfNumber: "a number is incomplete",
  InvalidNumberFormat: "this is not a valid number",
  InvalidUnicode: "\\u must be followed by four hex digits, such as \\u00e9",
  InvalidEscapeCharacter: "a backslash must be written twice, such as C:\\\\logs",
  InvalidCharacter: "a string contains a control character, such as a tab; write it as \\t",
  InvalidSymbol: "this must be a string in double quotes, a number, true, false or null",
};

/**
 * Returns the value of a strict JSON text, or its first syntax error; throws nothing. A byte order mark is skipped.
 * @param file the file's name, for messages
 */
export function parseJson(file: string, textWithMark: string): JsonText | { readonly syntax: Problem } {
  const text = textWithMark.replace(/^\uFEFF/, "");
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true });
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  // Only the first error counts: the others follow from it.
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
    problems: duplicateKeys(tree).map(({ path, offset }) => ({
      file,
      line: lineAt(offset),
      path: printPath(path),
      message: "must occur only once; remove one of the two",
    })),
  };
}

function syntaxMessage(text: string, error: ParseError | undefined): string {
  if (error === undefined) return "must be valid JSON";
  const explanation = SYNTAX[printParseErrorCode(error.error)] ?? "it cannot be parsed";
  const near =
    text
      .slice(error.offset, error.offset + 20)
      .split("\n")[0]
      ?.trim() ?? "";
  return `must be valid JSON: ${explanation}${near === "" ? "" : `, at \`${printable(near)}\``}`;
}

function nearestNode(tree: Node, path: (string | number)[]): Node {
  for (let length = path.length; length > 0; length--) {
    const found = findNodeAtLocation(tree, path.slice(0, length));
    if (found) return found.parent?.type === "property" ? found.parent : found;
  }
  return tree;
}

function duplicateKeys(
  node: Node,
  path: readonly PropertyKey[] = [],
): { path: PropertyKey[]; offset: number }[] {
  const children = node.children ?? [];
  if (node.type === "array")
    return children.flatMap((child, index) => duplicateKeys(child, [...path, index]));
  if (node.type !== "object") return [];
  const seen = new Set<string>();
  return children.flatMap(({ offset, children: [key, value] = [] }) => {
    const name = String(key?.value);
    const duplicate = seen.has(name) ? [{ path: [...path, name], offset }] : [];
    seen.add(name);
    return [...duplicate, ...(value ? duplicateKeys(value, [...path, name]) : [])];
  });
}
