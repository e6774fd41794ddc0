import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { loadFields, renderAlertMappings, renderMappings, renderPipelines } from "../../pipelines";
import { stableJson } from "../../core/json";
import { fieldsPage, PAGE } from "../../commands/fields";
import { flattenMappings } from "../support/mappings";

/** Processors that every Elasticsearch 8 has, without a licence and without downloads. */
const PROCESSORS = ["script", "set", "set_security_user", "json", "date", "pipeline"];

describe("pipelines as the provider takes them", () => {
  const { logs, entry, alerts } = renderPipelines("prod");
  const all = [...logs, alerts];
  const processors = all.flatMap(({ processors: ours, onFailure }) =>
    [...ours, ...onFailure].map((text) => JSON.parse(text) as Record<string, Record<string, unknown>>),
  );

  it("are found by their names, the entry last, after those that it calls", () => {
    assert.deepEqual(
      all.map(({ name }) => name),
      ["dhis2", "postgresql", "system", "web", "json", "logs", "alerts"].map(
        (name) => `dhis2-siem-prod-${name}`,
      ),
    );
    assert.equal(entry, "dhis2-siem-prod-logs");
    const called = processors.flatMap(({ pipeline }) => (pipeline ? [pipeline.name] : []));
    assert.deepEqual(
      called,
      logs.slice(0, -1).map(({ name }) => name),
    );
  });

  it("are JSON with sorted keys, the same each time", () => {
    for (const text of all.flatMap(({ processors: ours, onFailure }) => [...ours, ...onFailure])) {
      assert.equal(text, stableJson(JSON.parse(text)));
    }
    assert.deepEqual(renderPipelines("prod"), { logs, entry, alerts });
  });

  it("use nothing that some Elasticsearch lacks", () => {
    for (const processor of processors) {
      const [type = ""] = Object.keys(processor);
      assert.ok(PROCESSORS.includes(type), type);
      // Mustache templates are a module of their own.
      if (type !== "script") assert.ok(!JSON.stringify(processor).includes("{{"), JSON.stringify(processor));
    }
  });

  it("keep the line whatever fails: the entry and the alerts' have a way out, and the last step is the same", () => {
    for (const { name, processors: ours, onFailure } of all) {
      if (name !== entry && name !== alerts.name) {
        assert.deepEqual(onFailure, [], name);
        continue;
      }
      assert.ok(ours.length > 1 && onFailure.length > 1, name);
      assert.equal(ours.at(-1), onFailure.at(-1), name);
    }
  });
});

describe("fields", () => {
  it("are mapped, each and no others", () => {
    for (const [of, mappings, dynamic] of [
      ["logs", renderMappings(), false],
      ["alerts", renderAlertMappings(), "false"],
    ] as const) {
      assert.equal((mappings as { dynamic: unknown }).dynamic, dynamic);
      assert.deepEqual(
        [...flattenMappings(mappings).keys()].sort(),
        loadFields(of)
          .map(({ name }) => name)
          .sort(),
      );
    }
  });

  it("are of types that take any value", () => {
    for (const mappings of [renderMappings(), renderAlertMappings()]) {
      const inner: unknown[] = Object.values((mappings as { properties: object }).properties);
      for (let next = inner.pop(); next !== undefined; next = inner.pop()) {
        const { type, properties, ...options } = next as Record<string, unknown>;
        if (properties) inner.push(...(Object.values(properties) as unknown[]));
        if (type === "long" || type === "ip") assert.equal(options.ignore_malformed, true);
        // 8,000 characters are never more than the 32,766 bytes that Lucene takes.
        if (type === "keyword" && options.index !== false) assert.ok(Number(options.ignore_above) <= 8000);
      }
    }
  });

  it("are listed on their page (npm run -s fields)", async () => {
    assert.equal(readFileSync(PAGE, "utf8"), await fieldsPage());
  });
});
