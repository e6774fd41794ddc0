import assert from "node:assert/strict";
import { parseStack } from "../../config/load";
import { printProblem } from "../../core/problem";
import { readStackFile } from "../../config/stack-file";
import { EXAMPLE_CONFIG } from "../../commands/graph";

describe("a stack's file", () => {
  const FILE = readStackFile(`config:
  dhis2-siem:host: dhis2.example.org
  dhis2-siem:port: 2222
  dhis2-siem:privateKey:
    secure: v1:abc
  dhis2-siem:siem:
    memory: 2GiB
  dhis2-siem:dhis2:
    - name: hmis
      ip: 10.0.0.1
  other:host: elsewhere
`);

  it("gives the values as Pulumi does, and which are encrypted", () => {
    assert.deepEqual(FILE.values, {
      host: "dhis2.example.org",
      port: "2222",
      siem: `{"memory":"2GiB"}`,
      dhis2: `[{"name":"hmis","ip":"10.0.0.1"}]`,
    });
    assert.deepEqual(FILE.encrypted, ["privateKey"]);
  });

  it("takes an object for encrypted where a part of it is, as Pulumi does, and says what of it is not", () => {
    const file = readStackFile(`config:
  dhis2-siem:deliverySecrets:
    a:
      secure: v1:abc
    b: hunter2
`);
    assert.deepEqual([file.values, file.encrypted], [{}, ["deliverySecrets"]]);
    assert.deepEqual(file.plainSecrets, ["b"]);
  });

  it("knows the line of a path, or of its nearest part", () => {
    const lines = [["host"], ["privateKey"], ["siem"], ["siem", "memory"], ["siem", "heap"], ["user"]].map(
      FILE.lineOf,
    );
    assert.deepEqual(lines, [2, 4, 6, 7, 6, undefined]);
    assert.deepEqual(
      [
        ["dhis2", 0],
        ["dhis2", 0, "ip"],
        ["dhis2", 5],
      ].map(FILE.lineOf),
      [9, 10, 8],
    );
  });

  it("puts the lines into problems, in their order", () => {
    const result = parseStack(
      { ...EXAMPLE_CONFIG, site: "site.json", port: "x", siem: `{"memory":"2GiB"}` },
      () => false,
      "Pulumi.prod.yaml",
      FILE.lineOf,
    );
    assert.ok(!result.ok);
    assert.deepEqual(
      result.problems.map(printProblem).map((line) => line.slice(0, 48)),
      [
        "Pulumi.prod.yaml:3: dhis2-siem:port must be a wh",
        "Pulumi.prod.yaml:7: dhis2-siem:siem.memory must ",
      ],
    );
  });

  it("may be empty, or no YAML", () => {
    for (const text of ["", "config:", "a: [", "- x", "config:\n  - x\n"]) {
      const file = readStackFile(text);
      assert.deepEqual([file.values, file.encrypted, file.lineOf(["host"])], [{}, [], undefined], text);
    }
  });
});
