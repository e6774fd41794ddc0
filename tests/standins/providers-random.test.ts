import assert from "node:assert/strict";
import fc from "fast-check";
import { random } from "../../lab/standins/pulumi/random";

type Inputs = Record<string, unknown>;

function make(type: string, inputs: Inputs) {
  const token = `random:index/random${type}:Random${type}`;
  return random.create({ token, name: "x", log: () => undefined }, inputs);
}

const token = "random:index/randomPassword:RandomPassword";

describe("the stand-in for the random provider", () => {
  it("makes passwords of the kinds of characters that are wanted, as many as are wanted", async () => {
    const kinds = fc.record({
      lower: fc.boolean(),
      upper: fc.boolean(),
      numeric: fc.boolean(),
      special: fc.boolean(),
    });
    const few = fc.integer({ min: 0, max: 3 });
    const minima = fc.record({ minLower: few, minUpper: few, minNumeric: few, minSpecial: few });
    const patterns = { Lower: /[a-z]/g, Upper: /[A-Z]/g, Numeric: /[0-9]/g, Special: /[-_]/g };
    await fc.assert(
      fc.asyncProperty(kinds, minima, fc.integer({ min: 12, max: 40 }), async (wanted, least, length) => {
        fc.pre(Object.values(wanted).some(Boolean));
        const { outputs } = await make("Password", { ...wanted, ...least, length, overrideSpecial: "-_" });
        const result = String(outputs.result);
        assert.equal(result.length, length);
        for (const [kind, pattern] of Object.entries(patterns)) {
          const count = (result.match(pattern) ?? []).length;
          const minimum = least[`min${kind}` as keyof typeof least];
          assert.ok(count >= minimum, `${kind} in ${result}`);
          if (!wanted[kind.toLowerCase() as keyof typeof wanted])
            assert.equal(count, minimum, `${kind} in ${result}`);
        }
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it("gives a password the provider's defaults and no id that tells it", async () => {
    const { id, outputs } = await make("Password", { length: 20, numeric: false });
    assert.equal(id, "none");
    const { result, ...rest } = outputs;
    assert.match(String(result), /^[A-Za-z!@#$%&*()\-_=+[\]{}<>:?]{20}$/);
    assert.deepEqual(rest, {
      ...{ length: 20, lower: true, upper: true, special: true, numeric: false, number: false },
      ...{ minLower: 0, minUpper: 0, minNumeric: 0, minSpecial: 0 },
    });
    assert.deepEqual(random.secrets(token), ["result"]);
    assert.deepEqual(random.computed(token).create, ["result"]);
  });

  it("makes ids, bytes and UUIDs in every form of their outputs", async () => {
    const { outputs: id } = await make("Id", { byteLength: 8, prefix: "p-" });
    const hex = String(id.hex).slice(2);
    assert.match(hex, /^[0-9a-f]{16}$/);
    assert.equal(id.dec, `p-${BigInt(`0x${hex}`)}`);
    assert.equal(id.b64Std, `p-${Buffer.from(hex, "hex").toString("base64")}`);
    assert.equal(id.b64Url, `p-${Buffer.from(hex, "hex").toString("base64url")}`);
    const { outputs: bytes } = await make("Bytes", { length: 5 });
    assert.equal(Buffer.from(String(bytes.base64), "base64").toString("hex"), bytes.hex);
    const uuid = await make("Uuid", {});
    assert.match(uuid.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(uuid.outputs.result, uuid.id);
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

  it("refuses what cannot be: too short for its minima, no characters, another type", async () => {
    assert.equal(
      random.check?.(token, { length: 3, minLower: 2, minUpper: 2 }).failures?.[0]?.property,
      "length",
    );
    assert.deepEqual(random.check?.(token, { length: 4, minLower: 2, minUpper: 2 }), {});
    const none = { length: 4, lower: false, upper: false, numeric: false, special: false };
    await assert.rejects(async () => make("Password", none), /character set specified is empty/);
    await assert.rejects(async () => make("Pet", {}), /has no random:index\/randomPet:RandomPet/);
  });
});
