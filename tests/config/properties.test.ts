import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { parseSite, parseStack, readSiteSettings } from "../../config/load";
import { printProblem } from "../../core/problem";
import { stackShape, STRUCTURED_KEYS } from "../../config/stack";
import { readStackFile } from "../../config/stack-file";
import { makeSite } from "../../lab/bench/make-site";

const RUNS = { seed: 20261124, numRuns: 300 };

const TEXT = readFileSync(join(__dirname, "../sites/nginx.json"), "utf8");
const extras = fc.record({
  dhis2: fc.array(
    fc.record({
      name: fc.constantFrom("dhis", "hmis", "postgres"),
      ip: fc.ipV4(),
      generation: fc.integer({ min: 1 }),
    }),
    { maxLength: 3 },
  ),
  withoutDhis2: fc.boolean(),
});

/** A problem's key is the subject of its message. */
const VERB = /^(must|is) /;

/** Asserts that every problem is one line with the name of the file, and a line that exists in the file. */
function assertProblems(result: ReturnType<typeof parseSite>, text: string): void {
  if (result.ok) return;
  assert.ok(result.problems.length > 0, "refused without a reason");
  const lines = text.split("\n").length;
  for (const problem of result.problems) {
    assert.match(printProblem(problem), /^site\.json:\d+: .+$/);
    assert.match(problem.message, VERB);
    assert.ok(
      problem.line !== undefined && problem.line >= 1 && problem.line <= lines,
      printProblem(problem),
    );
  }
}

type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

/** Returns the paths of all values in a value. */
function placesOf(value: Value, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, inner]) =>
      placesOf(inner, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

const EXAMPLE = JSON.parse(TEXT) as Value;
/** A change of the example: at which path, and whether the value is replaced, removed or doubled, or a key is added. */
const mutation = fc.record({
  path: fc.constantFrom(...placesOf(EXAMPLE).filter((path) => path.length > 0)),
  how: fc.constantFrom("replace" as const, "remove" as const, "add" as const, "double" as const),
  value: fc.oneof(
    fc.jsonValue() as fc.Arbitrary<Value>,
    fc.constantFrom<Value>(
      "es_siem",
      "nginx_proxy",
      "dhis2",
      "192.168.0.20",
      "192.168.0.1/24",
      "apache2",
      "",
      0,
      {},
      [],
    ),
  ),
  key: fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString", "remote_host", "ip")),
});

/** Returns the example after mutations. A mutation whose place an earlier one removed does nothing. */
function mutate(mutations: readonly (typeof mutation extends fc.Arbitrary<infer M> ? M : never)[]): Value {
  const root = structuredClone(EXAMPLE);
  for (const { path, how, value: given, key } of mutations) {
    const value = structuredClone(given);
    const parent = path
      .slice(0, -1)
      .reduce<unknown>((at, part) => (isContainer(at) ? at[part] : undefined), root);
    const last = path.at(-1) as string | number;
    if (!isContainer(parent)) continue;
    if (how === "replace") parent[last] = value;
    else if (how === "add")
      Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
    else if (how === "double" && Array.isArray(parent)) parent.push(parent[last as number]);
    else if (Array.isArray(parent)) parent.splice(last as number, 1);
    else delete parent[last];
  }
  return root;
}

function isContainer(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
}

describe("any input gets a site or a list of problems, and never an exception", function () {
  this.timeout(30_000);

  it("for any subset of mutations of a site", () => {
    let refused = 0;
    fc.assert(
      fc.property(
        fc.array(mutation, { maxLength: 8 }),
        extras,
        fc.constantFrom(0, 2),
        (mutations, more, indent) => {
          const text = JSON.stringify(mutate(mutations), undefined, indent);
          const result = parseSite("site.json", text, more);
          assertProblems(result, text);
          if (!result.ok) refused++;
        },
      ),
      RUNS,
    );
    assert.ok(refused > 100, `only ${refused} of the mutated sites were refused`);
  });

  it("for any JSON, and any text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit: "binary" })), extras, (text, more) => {
        const result = parseSite("site.json", text, more);
        assert.ok(!result.ok);
        assertProblems(result, text);
      }),
      RUNS,
    );
  });

  it("for the example with any one place cut out or overwritten; what is no JSON is called so", () => {
    fc.assert(
      fc.property(
        fc.nat(TEXT.length),
        fc.nat(3),
        fc.oneof(fc.constant(""), fc.constantFrom(..."{}[],:\"'\\/0-+.e\t \n")),
        (at, length, put) => {
          const text = TEXT.slice(0, at) + put + TEXT.slice(at + length);
          const result = parseSite("site.json", text, { dhis2: [], withoutDhis2: false });
          assertProblems(result, text);
          const isCalledInvalid =
            !result.ok &&
            result.problems.some(({ message }) => /^(must be valid JSON|is empty)/.test(message));
          assert.equal(isCalledInvalid, !isJson(text), text.slice(Math.max(0, at - 20), at + 20));
        },
      ),
      { ...RUNS, numRuns: 1000 },
    );
  });

  it("for any stack's config", () => {
    const key = fc.oneof(
      fc.constantFrom(...Object.keys(stackShape)),
      fc.string(),
      fc.constantFrom("__proto__", "constructor", "toString"),
    );
    const value = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom("", "true", "22", "{}", "[]", "[{}]", "null"),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value)), (entries) => {
        const values = Object.fromEntries(entries);
        const result = parseStack(values, () => false, "Pulumi.prod.yaml");
        assert.ok(!result.ok, "there is no host key in it");
        for (const problem of result.problems) {
          assert.match(printProblem(problem), /^Pulumi\.prod\.yaml: dhis2-siem:.* (must|is) .+$/);
          assert.match(problem.message, VERB);
        }
        for (const unknown of Object.keys(values).filter((name) => !Object.keys(stackShape).includes(name))) {
          assert.ok(
            result.problems.some(({ message }) => message.startsWith("is not a known key")),
            unknown,
          );
        }
        assert.equal(typeof readSiteSettings(values).withoutDhis2, "boolean");
      }),
      RUNS,
    );
  });

  it("for any stack's file", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((json) => `config: ${json}`),
        ),
        (text) => {
          assert.equal(typeof readStackFile(text).values, "object");
        },
      ),
      RUNS,
    );
  });
});

describe("what is made of a site", () => {
  it("has an agent in all containers but two kinds, sorted, whatever the order of the entries", () => {
    const made = makeSite(20);
    const straight = parseSite("site.json", JSON.stringify(made), { dhis2: [], withoutDhis2: false });
    fc.assert(
      fc.property(fc.shuffledSubarray([...made.containers], { minLength: 20 }), (containers) => {
        const text = JSON.stringify({ ...made, containers });
        assert.deepEqual(parseSite("site.json", text, { dhis2: [], withoutDhis2: false }), straight);
      }),
      { ...RUNS, numRuns: 30 },
    );
    assert.ok(straight.ok);
    const names = straight.value.containers.map(({ name }) => name);
    assert.deepEqual(names, [...names].sort());
    assert.deepEqual(
      straight.value.agents,
      straight.value.containers.filter(({ name }) => name !== "siem" && name !== "logger"),
    );
  });
});

describe("the stack's schema", () => {
  it("marks exactly its objects and lists as such", () => {
    const structured = Object.entries(stackShape)
      .filter(
        ([, schema]) =>
          [{}, []].some((value) => schema.safeParse(value).success) ||
          schema.safeParse({}).error?.issues.some(({ path }) => path.length > 0),
      )
      .map(([key]) => key);
    assert.deepEqual(structured.sort(), [...STRUCTURED_KEYS].sort());
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
