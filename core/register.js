// Runs TypeScript directly, from any folder: types are checked by `npm test`, not at every start.
require("ts-node").register({
  transpileOnly: true,
  project: require("node:path").join(__dirname, "../tsconfig.json"),
});
