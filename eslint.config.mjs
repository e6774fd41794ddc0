import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules/", "sdks/", "core/register.js", "lab/transpile-cache.js"] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      // A `switch` over types, such as machines or destinations, names each of them: a new one is an error here.
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { requireDefaultForNonUnion: false }],
      // index.ts exports its program as Pulumi wants it: `export =`.
      "@typescript-eslint/no-require-imports": ["error", { allowAsImport: true }],
      "max-lines": ["error", 400],
      eqeqeq: "error",
    },
  },
  {
    files: ["**/*.mjs", "**/*.js"],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      globals: { process: "readonly", require: "readonly" },
      parserOptions: { project: null },
    },
  },
  {
    files: ["tests/**/*.ts"],
    rules: { "@typescript-eslint/no-unused-expressions": "off" },
  },
);
