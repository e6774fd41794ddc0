import assert from "node:assert/strict";
import type { Graph, GraphResource } from "../../commands/graph/mocked-program";

/** Returns a graph's resource by its name; fails where there is none. */
export function named(graph: Graph, name: string): GraphResource {
  const found = graph.resources.find((resource) => resource.name === name);
  assert.ok(
    found,
    `${name} is not in the graph: ${graph.resources.map((resource) => resource.name).join(", ")}`,
  );
  return found;
}

/** Returns a value that must be a text. */
export function text(value: unknown): string {
  assert.equal(typeof value, "string");
  return value as string;
}
