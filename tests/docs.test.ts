import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { ROOT } from "../core/root";

const FILES = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(ROOT, file)));
const FOLDERS = new Set(FILES.flatMap(foldersOf));
const DOCS = FILES.filter((file) => file.endsWith(".md") && !file.startsWith("sdks/"));
const { scripts, version } = z
  .object({ scripts: z.record(z.string(), z.string()), version: z.string() })
  .parse(JSON.parse(read("package.json")));

/** What npm runs by itself: nobody types it. */
const LIFECYCLE_SCRIPTS = ["postinstall"];

/** Words with a slash that are not paths of this project, and folders that an operator has. */
const NOT_PATHS = [
  "conf.d/",
  "sites-enabled/",
  "upstream/",
  "sources/NAME",
  "sources/haproxy",
  "samples/",
  "logs/",
];

/** The style guide quotes names that are bad or made up. */
const WITHOUT_PATHS = ["docs/style.md", "CHANGELOG.md"];

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}

/** Returns every folder above a file: `a/b/c.ts` is in `a` and `a/b`. */
function foldersOf(file: string): string[] {
  const parts = file.split("/").slice(0, -1);
  return parts.map((_, depth) => parts.slice(0, depth + 1).join("/"));
}

/** Returns a page's text without its code blocks, fenced or indented. */
function prose(file: string): string {
  return read(file)
    .replace(/^```[\s\S]*?^```$/gm, "")
    .replace(/^ {4}.*$/gm, "");
}

/** Returns whether the project has this file or folder; `*` stands for a part of a name. */
function inProject(path: string): boolean {
  const wanted = path.replace(/\/$/, "");
  const pattern = new RegExp(
    `^${wanted
      .split("*")
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join("[^/]*")}$`,
  );
  return [...FILES, ...FOLDERS].some((name) => pattern.test(name));
}

/** Returns the anchors of a page's headings, as GitHub makes them, and those that it sets itself. */
function anchorsOf(file: string): string[] {
  const headings = [...prose(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
  return [...headings, ...[...read(file).matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id = ""]) => id)];
}

/** Returns a link's file, from the project's folder. GitHub shows the pull request template at another address. */
function linkedFile(file: string, path: string): string {
  if (path === "") return file;
  return file.startsWith(".github/") ? path.replace("../blob/main/", "") : join(dirname(file), path);
}

describe("the docs", () => {
  for (const file of DOCS) {
    it(`${file}: every link leads somewhere`, () => {
      const broken = [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = ""]) => target)
        .filter((target) => !/^(https?|mailto):/.test(target))
        .filter((target) => {
          const [path = "", anchor] = target.split("#");
          const linked = linkedFile(file, path);
          if (!inProject(linked)) return true;
          return anchor !== undefined && !anchorsOf(linked).includes(anchor);
        });
      assert.deepEqual(broken, []);
    });

    it(`${file}: every path in it exists`, function () {
      if (WITHOUT_PATHS.includes(file)) return;
      const paths = [...prose(file).matchAll(/`([\w.*-]+\/[\w.*/-]*)`/g)].map(([, path = ""]) => path);
      const missing = paths
        .filter((path) => !NOT_PATHS.some((start) => path.startsWith(start)))
        .filter((path) => !inProject(path) && !inProject(join(dirname(file), path)));
      assert.deepEqual(missing, []);
    });

    it(`${file}: every npm script in it is one of package.json`, () => {
      const named = [...read(file).matchAll(/npm run (?:-s )?([a-z][\w:-]*)/g)].map(([, name = ""]) => name);
      assert.deepEqual(
        named.filter((name) => !(name in scripts)),
        [],
      );
    });
  }

  it("name every file of docs/ in README.md", () => {
    const pages = DOCS.filter((file) => dirname(file) === "docs");
    const readme = read("README.md");
    assert.deepEqual(
      pages.filter((page) => !readme.includes(`(${page})`)),
      [],
      `README.md's guides lack a page; add it there (${pages.map((page) => basename(page)).join(", ")})`,
    );
  });

  it("have every npm script in README.md's tables", () => {
    const rows = read("README.md")
      .split("\n")
      .filter((line) => line.startsWith("| `npm "))
      .join("\n");
    const missing = Object.keys(scripts).filter(
      (name) =>
        !LIFECYCLE_SCRIPTS.includes(name) && !new RegExp(`\`npm (run (-s )?)?${name}(?![\\w:-])`).test(rows),
    );
    assert.deepEqual(missing, [], "README.md, Commands: a script of package.json has no row");
  });

  it("have every top-level folder in README.md's table", () => {
    const table = read("README.md").split("## Where things are")[1] ?? "";
    const folders = [...FOLDERS].filter((folder) => !folder.includes("/") && !folder.startsWith("."));
    assert.deepEqual(
      folders.filter((folder) => !table.includes(`\`${folder}/\``)),
      [],
      "README.md, Where things are: a folder has no row",
    );
  });

  it("have package.json's version as the newest one of CHANGELOG.md", () => {
    const versions = [...read("CHANGELOG.md").matchAll(/^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$/gm)];
    const [unreleased, newest] = versions;
    assert.equal(unreleased?.[1], "Unreleased");
    assert.equal(newest?.[1], version);
    for (const [heading, , date] of versions.slice(1)) assert.ok(date, `${heading} must have a date`);
  });
});
