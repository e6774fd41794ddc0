// Keeps what ts-node makes of each file: the lab and the tests start the same programs again and again, and half of each
// start was TypeScript's. They preload this by NODE_OPTIONS (lab/run.sh, tests/run.sh), which Pulumi's program inherits too.
const { createHash } = require("node:crypto");
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");

const folder = join(__dirname, "../node_modules/.cache/transpiled");
const part = require(join(dirname(require.resolve("ts-node")), "ts-transpile-module.js"));
const { createTsTranspileModule } = part;

function kept(inputs, make) {
  const file = join(folder, createHash("sha256").update(JSON.stringify(inputs)).digest("hex"));
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    const made = make();
    // Faults name objects of TypeScript's own: they are found anew each time.
    if (made.diagnostics?.length) return made;
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(`${file}.${process.pid}`, JSON.stringify(made));
      renameSync(`${file}.${process.pid}`, file);
    } catch {
      // A folder that cannot be written costs time alone.
    }
    return made;
  }
}

part.createTsTranspileModule = (typescript, options) => {
  const transpile = createTsTranspileModule(typescript, options);
  return (source, { fileName }, type) =>
    kept([typescript.version, options.compilerOptions, fileName, type, source], () =>
      transpile(source, { fileName }, type),
    );
};
