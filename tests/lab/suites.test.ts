import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { basename, join } from "node:path";
import { findFiles } from "../../core/files";
import { ROOT } from "../../core/root";
import { duration, slowest } from "../../lab/result";
import { chosen, next, type Suite, SUITES } from "../../lab/suites";

describe("the lab's suites", () => {
  it("each have a file", () => {
    const files = findFiles(join(ROOT, "tests/lab"), ".lab.ts").map((file) => basename(file, ".lab.ts"));
    assert.deepEqual(SUITES.map(({ name }) => name).sort(), files);
  });

  it("are selected by words; the long ones only by name, or with --all", () => {
    const names = (words: string[], all = false) => chosen(words, all).map(({ name }) => name);
    assert.deepEqual(names(["watch", "kill"]), ["watch", "killed"]);
    assert.throws(() => names(["wotch"]), /there is no suite wotch; the suites are watch, verify/);
    const short = SUITES.filter(({ long }) => !long).map(({ name }) => name);
    assert.deepEqual(names([]), short);
    assert.equal(names([], true).length, SUITES.length);
  });

  const suite = (name: string, minutes: number, more: Partial<Suite> = {}): Suite => ({
    name,
    minutes,
    ...more,
  });
  const waiting = [
    suite("short", 1),
    suite("gone", 99, { last: true }),
    suite("calm", 2, { calm: true }),
    suite("long", 9),
  ];

  it("run in this order: on a calm lab those that need one, then the longest; those that remove the lab come last", () => {
    const order = (calm: boolean) => {
      const left = [...waiting];
      return waiting.map(() => {
        const found = next(left, calm);
        assert.ok(found);
        left.splice(left.indexOf(found), 1);
        return found.name;
      });
    };
    assert.deepEqual(order(true), ["calm", "long", "short", "gone"]);
    assert.deepEqual(order(false), ["long", "short", "calm", "gone"]);
    assert.equal(next([], true), undefined);
  });

  it("end with times that people can read", () => {
    assert.deepEqual([0.4, 59.7, 65, 3600].map(duration), ["0s", "1m00s", "1m05s", "60m00s"]);
    const tests = Array.from({ length: 12 }, (_, index) => ({ title: `test ${index}`, seconds: index }));
    assert.deepEqual(slowest(tests).slice(0, 2), ["    11.0 s  test 11", "    10.0 s  test 10"]);
    assert.equal(slowest(tests).length, 10);
  });
});

describe("the names of a lab", () => {
  const NAMES = [
    ...["STATE", "RUN", "LOGS", "STACK", "LXD_PROJECT", "POOL", "BRIDGE", "SUBNET", "BRIDGE_ADDRESS"],
    ...["LOGIN", "SUDOERS", "SSH_PORT", "FORWARD_ELASTICSEARCH", "FORWARD_KIBANA"],
  ];
  const names = (lab: string | undefined) => {
    const script = 'cd "$0"; . core/shell.sh; . lab/names.sh; for name; do echo "${!name}"; done';
    const env = { ...process.env, DHIS2_SIEM_LAB: lab };
    const said = execFileSync("bash", ["-c", script, ROOT, ...NAMES], {
      env,
      encoding: "utf8",
      stdio: "pipe",
    });
    return said.trimEnd().split("\n");
  };

  it("are shared by no two labs, and the first lab's are those without a number", () => {
    const labs = ["1", "2", "3", "4"].map(names);
    assert.deepEqual(names(undefined), labs[0]);
    NAMES.forEach((name, index) => assert.equal(new Set(labs.map((values) => values[index])).size, 4, name));
  });

  it("are refused for a lab that does not exist", () => {
    assert.throws(() => names("9"), /DHIS2_SIEM_LAB must be a number from 1 to 4, such as 2; it is '9'/);
  });
});
