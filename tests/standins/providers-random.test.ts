import assert from "node:assert/strict";
import { random } from "../../lab/standins/pulumi/random";

type Inputs = Record<string, unknown>;

function make(type: string, inputs: Inputs) {
  const token = `random:index/random${type}:Random${type}`;
  return random.create({ token, name: "x", log: () => undefined }, inputs);
}

const token = "random:index/randomPassword:RandomPassword";

describe("the stand-in for the random provider", () => {
  it("makes passwords of letters and digits, as long as is said, every character as likely as another", async () => {
    const { outputs } = await make("Password", { length: 62_000, special: false });
    const result = String(outputs.result);
    assert.match(result, /^[A-Za-z0-9]{62000}$/);
    const counts = new Map<string, number>();
    for (const character of result) counts.set(character, (counts.get(character) ?? 0) + 1);
    assert.equal(counts.size, 62);
    // About 1000 of each: seven standard deviations.
    for (const [character, count] of counts)
      assert.ok(Math.abs(count - 1000) < 220, `${character}: ${count}`);
  });

  it("gives a password the provider's defaults and no id that tells it", async () => {
    const { id, outputs } = await make("Password", { length: 200 });
    assert.equal(id, "none");
    const { result, ...rest } = outputs;
    assert.match(String(result), /^[A-Za-z0-9!@#$%&*()\-_=+[\]{}<>:?]{200}$/);
    assert.match(String(result), /[!@#$%&*()\-_=+[\]{}<>:?]/);
    assert.deepEqual(rest, {
      ...{ length: 200, lower: true, upper: true, special: true, numeric: true, number: true },
      ...{ minLower: 0, minUpper: 0, minNumeric: 0, minSpecial: 0 },
    });
    assert.deepEqual(random.secrets(token), ["result"]);
    assert.deepEqual(random.computed(token).create, ["result"]);
  });

  it("makes a UUID that is its id too", async () => {
    const uuid = await make("Uuid", { keepers: { cluster: "c" } });
    assert.match(uuid.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(uuid.outputs, { keepers: { cluster: "c" }, result: uuid.id });
  });

  it("makes another value for every change, and none without", () => {
    const diff = (olds: Inputs, news: Inputs) => random.diff(token, {}, olds, news);
    const replaced = diff({ length: 8, keepers: { a: "1" } }, { length: 8, keepers: { a: "2" } });
    assert.deepEqual(replaced, { changed: ["keepers"], replaces: ["keepers"] });
    assert.deepEqual(diff({ length: 8 }, { length: 9 }).replaces, ["length"]);
    assert.deepEqual(
      diff({ length: 8, keepers: { a: "1", b: "2" } }, { keepers: { b: "2", a: "1" }, length: 8 }).changed,
      [],
    );
  });

  it("refuses what it does not know", async () => {
    assert.throws(
      () => random.check?.(token, { length: 8, minLower: 2 }),
      /does not know minLower of random:/,
    );
    assert.deepEqual(random.check?.(token, { length: 8, special: false }), { length: 8, special: false });
    await assert.rejects(async () => make("Pet", {}), /has no random:index\/randomPet:RandomPet/);
  });
});
