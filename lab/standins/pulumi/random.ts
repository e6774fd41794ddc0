/** Stand-in for @pulumi/random's plugin: it makes the stack's passwords and the cluster's identity with the system's random numbers. */
import { randomInt, randomUUID } from "node:crypto";
import { inputChange, type Made, refuse, serve, type Standin } from "./serve";
import type { Props } from "./marks";

const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

/** The outputs that the real provider adds to a password. With them, the real provider finds nothing to change if it takes over. */
const PASSWORD_DEFAULTS = {
  ...{ lower: true, upper: true, numeric: true, number: true, special: true },
  ...{ minLower: 0, minUpper: 0, minNumeric: 0, minSpecial: 0 },
};

interface Kind {
  readonly inputs: readonly string[];
  readonly secret: readonly string[];
  readonly make: (inputs: Props) => Made;
}

const KINDS: Readonly<Record<string, Kind>> = {
  "random:index/randomPassword:RandomPassword": {
    inputs: ["length", "special", "keepers"],
    secret: ["result"],
    make: (inputs) => {
      const alphabet = ALPHANUMERIC + (inputs.special === false ? "" : SPECIAL);
      const drawn = Array.from({ length: Number(inputs.length) }, () => alphabet[randomInt(alphabet.length)]);
      return { id: "none", outputs: { ...PASSWORD_DEFAULTS, ...inputs, result: drawn.join("") } };
    },
  },
  "random:index/randomUuid:RandomUuid": {
    inputs: ["keepers"],
    secret: [],
    make: (inputs) => {
      const result = randomUUID();
      return { id: result, outputs: { ...inputs, result } };
    },
  },
};

function kindOf(token: string): Kind {
  const found = KINDS[token];
  if (!found) throw new Error(`the stand-in for the random provider has no ${token}`);
  return found;
}

/** Returns the provider's methods. */
export const random: Standin = {
  version: "4.21.1",
  check(token, news) {
    refuse(token, Object.keys(news), kindOf(token).inputs);
    return news;
  },
  // Every change makes a new value: this is the purpose of `keepers`.
  diff: (_token, _state, olds, news) => inputChange(olds, news, Object.keys({ ...olds, ...news })),
  computed: () => ({ create: ["result"] }),
  secrets: (token) => kindOf(token).secret,
  create: ({ token }, inputs) => Promise.resolve(kindOf(token).make(inputs)),
  // The value exists only in the state.
  delete: () => Promise.resolve(),
};

if (require.main === module) serve(random);
