/**
 * Which part of the project may import which; `npm run lint` and `npm test` check it. See docs/architecture.md, "Layers".
 * Lowest first: each may import from those above it in this list, and from none below.
 */
export const LAYERS = [
  "core",
  "sources",
  "machines",
  "config",
  "pipelines",
  "scripts",
  "relay",
  "dashboards",
  "detections",
  "policies",
  "kibana",
  "render",
  "connection",
  "components",
  "index.ts",
  // What is above uses nothing of the following: they are for people at a terminal, and for tests.
  "commands",
  "lab",
  "tests",
];

const pathOf = (layer) => (layer.endsWith(".ts") ? `^${layer.replace(".", "\\.")}$` : `^${layer}/`);
/** Packages and generated code: that they are imported counts, what they import does not. */
const OTHERS = ["(^|/)node_modules/", "(^|/)sdks/"];
/** The linters' configuration, in the repository's folder. */
const ROOT_FILES = ["^[^/]+\\.mjs$"];
/** Files that are run or loaded by their paths, so that nothing imports them. */
const STARTED = ["^core/register\\.js$", "^lab/bench/bare/index\\.ts$", ...ROOT_FILES];

export default {
  forbidden: [
    ...LAYERS.slice(0, -1).map((layer, index) => ({
      name: `no-import-upwards-from-${layer.replace(".ts", "")}`,
      severity: "error",
      from: { path: pathOf(layer) },
      to: { path: LAYERS.slice(index + 1).map(pathOf) },
    })),
    {
      name: "every-file-in-a-layer",
      comment: "A new folder gets its place in LAYERS.",
      severity: "error",
      from: { pathNot: [...LAYERS.map(pathOf), ...ROOT_FILES, ...OTHERS] },
      to: {},
    },
    { name: "no-cycle", severity: "error", from: {}, to: { circular: true } },
    { name: "no-orphan", severity: "error", from: { orphan: true, pathNot: STARTED }, to: {} },
    { name: "no-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    // Also `import type`: who needs another's types has to know it, too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: OTHERS },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default"],
    },
  },
};
