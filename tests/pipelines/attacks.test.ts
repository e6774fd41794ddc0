import assert from "node:assert/strict";
import { attackParams, loadAttacks } from "../../pipelines/attacks";

describe("what requests are searched for", () => {
  const { hints, query_hints, attacks } = loadAttacks();

  it("contains one of the hints in each text: else the quick look would pass over it", () => {
    for (const { id, spaced, tight, compact } of attacks) {
      for (const text of [...spaced, ...tight, ...compact]) {
        assert.ok(
          [...hints, ...query_hints].some((hint) => text.includes(hint)),
          `${id}: ${text}`,
        );
      }
    }
  });

  it("is in the form in which it is searched", () => {
    for (const { id, spaced, tight, compact } of attacks) {
      for (const text of [...spaced, ...tight, ...compact])
        assert.equal(text, text.toLowerCase(), `${id}: ${text}`);
      // `tight` of attack.painless removes a space that follows no word, and those before "(" and "=".
      for (const text of tight) assert.doesNotMatch(text.slice(1), /[^\p{L}\p{N}] | [(=]/u, `${id}: ${text}`);
      for (const text of compact) assert.doesNotMatch(text, / /, `${id}: ${text}`);
    }
  });

  it("reaches the script without its examples", () => {
    assert.ok(!/"(matches|silent|is)"/.test(JSON.stringify(attackParams())));
  });
});
