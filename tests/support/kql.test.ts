import assert from "node:assert/strict";
import { kqlQuery } from "./kql";

describe("Kibana's query language, as tests read it", () => {
  const cases: Record<string, object> = {
    "": { match_all: {} },
    'a: "x y"': { match_phrase: { a: "x y" } },
    "a: x": { match: { a: "x" } },
    "a: *": { exists: { field: "a" } },
    "a.b: org.x.*": { query_string: { fields: ["a.b"], query: "org.x.*" } },
    "a: 1 and b: 2": { bool: { filter: [{ match: { a: "1" } }, { match: { b: "2" } }] } },
    "not a: 1 and b: 2": {
      bool: { filter: [{ bool: { must_not: { match: { a: "1" } } } }, { match: { b: "2" } }] },
    },
    "a: 1 or b: 2 and c: 3": {
      bool: {
        should: [{ match: { a: "1" } }, { bool: { filter: [{ match: { b: "2" } }, { match: { c: "3" } }] } }],
        minimum_should_match: 1,
      },
    },
    'a: ("x" or y)': {
      bool: { should: [{ match_phrase: { a: "x" } }, { match: { a: "y" } }], minimum_should_match: 1 },
    },
  };
  for (const [kql, query] of Object.entries(cases)) {
    it(`reads ${kql || "nothing"}`, () => assert.deepEqual(kqlQuery(kql), query));
  }

  for (const kql of ["a", "a:", "a: (x", "a: x)", ": x", "a: x b: y", "a: x and"]) {
    it(`refuses ${kql}`, () => assert.throws(() => kqlQuery(kql), /^Error: KQL: /));
  }
});
