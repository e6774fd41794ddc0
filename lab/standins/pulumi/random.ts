/**
 * Stand-in for @pulumi/random's plugin: passwords, strings, ids, bytes and UUIDs, from the system's randomness. It
 * lacks the other types, and `bcryptHash` of a password.
 */
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import type { Props } from "./marks";
import { type Checked, inputChange, serve, type Standin } from "./serve";

const KINDS = {
  lower: "abcdefghijklmnopqrstuvwxyz",
  upper: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  numeric: "0123456789",
  special: "!@#$%&*()-_=+[]{}<>:?",
};

interface Kind {
  /** Outputs that are no inputs. */
  readonly made: readonly string[];
  readonly secret: readonly string[];
  readonly make: (inputs: Props) => { id: string; outputs: Props };
}

function minimum(kind: string): string {
  return `min${kind[0]?.toUpperCase()}${kind.slice(1)}`;
}

/** The inputs of a string with the provider's defaults. */
function stringInputs(inputs: Props): Props {
  const numeric = inputs.numeric ?? inputs.number ?? true;
  const minima = Object.keys(KINDS).map((kind) => [minimum(kind), inputs[minimum(kind)] ?? 0] as const);
  return {
    lower: true,
    upper: true,
    special: true,
    ...inputs,
    numeric,
    number: numeric,
    ...Object.fromEntries(minima),
  };
}

function draw(alphabet: readonly string[], count: number): string[] {
  return Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)] ?? "");
}

/** A random string over the kinds of characters that are wanted, with at least so many of each as is said. */
function randomString(inputs: Props): string {
  const special = typeof inputs.overrideSpecial === "string" && inputs.overrideSpecial;
  const kinds = Object.entries({ ...KINDS, special: special || KINDS.special });
  const wanted = kinds.flatMap(([kind, alphabet]) => (inputs[kind] === true ? [...alphabet] : []));
  if (wanted.length === 0) throw new Error("the character set specified is empty");
  const drawn = kinds.flatMap(([kind, alphabet]) => draw([...alphabet], Number(inputs[minimum(kind)])));
  drawn.push(...draw(wanted, Number(inputs.length) - drawn.length));
  // Shuffled, so that the first characters do not tell their kind.
  for (let last = drawn.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [drawn[last], drawn[other]] = [drawn[other] ?? "", drawn[last] ?? ""];
  }
  return drawn.join("");
}

function stringKind(isSecret: boolean): Kind {
  return {
    made: ["result"],
    secret: isSecret ? ["result"] : [],
    make: (given) => {
      const inputs = stringInputs(given);
      const result = randomString(inputs);
      // The real one uses the string itself as the id where it is no secret.
      return { id: isSecret ? "none" : result, outputs: { ...inputs, result } };
    },
  };
}

const TYPES: Readonly<Record<string, Kind>> = {
  "random:index/randomPassword:RandomPassword": stringKind(true),
  "random:index/randomString:RandomString": stringKind(false),
  "random:index/randomUuid:RandomUuid": {
    made: ["result"],
    secret: [],
    make: (inputs) => {
      const result = randomUUID();
      return { id: result, outputs: { ...inputs, result } };
    },
  },
  "random:index/randomId:RandomId": {
    made: ["b64Std", "b64Url", "dec", "hex"],
    secret: [],
    make: (inputs) => {
      const bytes = randomBytes(Number(inputs.byteLength));
      const prefix = typeof inputs.prefix === "string" ? inputs.prefix : "";
      const outputs = {
        b64Std: prefix + bytes.toString("base64"),
        b64Url: prefix + bytes.toString("base64url"),
        dec: `${prefix}${BigInt(`0x${bytes.toString("hex")}`)}`,
        hex: prefix + bytes.toString("hex"),
      };
      return { id: bytes.toString("base64url"), outputs: { ...inputs, ...outputs } };
    },
  },
  "random:index/randomBytes:RandomBytes": {
    made: ["base64", "hex"],
    secret: ["base64", "hex"],
    make: (inputs) => {
      const bytes = randomBytes(Number(inputs.length));
      const base64 = bytes.toString("base64");
      return { id: base64, outputs: { ...inputs, base64, hex: bytes.toString("hex") } };
    },
  },
};

function kind(token: string): Kind {
  const found = TYPES[token];
  if (!found) throw new Error(`the stand-in for the random provider has no ${token}`);
  return found;
}

/** The provider's methods. */
export const random: Standin = {
  version: "4.21.1",
  check(token, news): Checked {
    kind(token);
    const minima = Object.keys(KINDS).reduce((sum, name) => sum + Number(news[minimum(name)] ?? 0), 0);
    if (!(Number(news.length) < Math.max(1, minima))) return {};
    const reason = `must be at least 1 and the sum of min_upper + min_lower + min_numeric + min_special (${minima})`;
    return { failures: [{ property: "length", reason }] };
  },
  // Every change makes another value: that is what `keepers` are for.
  diff: (_token, _state, olds, news) => inputChange(olds, news, Object.keys({ ...olds, ...news })),
  computed: (token) => ({ create: kind(token).made }),
  secrets: (token) => kind(token).secret,
  create: ({ token }, inputs) => Promise.resolve(kind(token).make(inputs)),
  // Nothing of it exists but in the state.
  delete: () => Promise.resolve(),
};

if (require.main === module) serve(random);
