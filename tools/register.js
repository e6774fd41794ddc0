// Runs TypeScript directly: types are checked by `npm test`, not at every start.
require("ts-node").register({ transpileOnly: true });
