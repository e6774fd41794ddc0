/** Stand-in for @pulumi/random's plugin (lab only): the types that the stack uses, from the system's randomness. */
import { randomInt, randomUUID } from "node:crypto";
import { serve, type Props } from "./serve";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

/** A password over the kinds of characters that the inputs allow. */
function password(inputs: Props): string {
  const kinds = [
    inputs.lower === false ? "" : LETTERS,
    inputs.upper === false ? "" : LETTERS.toUpperCase(),
    inputs.numeric === false ? "" : DIGITS,
    inputs.special === false ? "" : String(inputs.overrideSpecial ?? SPECIAL),
  ].join("");
  return Array.from({ length: Number(inputs.length) }, () => kinds[randomInt(kinds.length)]).join("");
}

serve(
  {
    // Every change makes another value: that is what `keepers` are for.
    replaceOn: () => ["keepers", "length", "special", "upper", "lower", "numeric", "overrideSpecial"],
    async create(token, inputs) {
      switch (token) {
        case "random:index/randomPassword:RandomPassword":
          return { id: "none", outputs: { result: password(inputs) }, secret: ["result"] };
        case "random:index/randomUuid:RandomUuid": {
          const result = randomUUID();
          return { id: result, outputs: { result } };
        }
        default:
          throw new Error(`the lab's stand-in for the random provider has no ${token}`);
      }
    },
    async delete() {},
  },
  "4.21.1",
);
