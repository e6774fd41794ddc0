import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** The folder for downloads and builds, outside the repository. `core/shell.sh` has the rule: this asks it. */
export const CACHE = execFileSync(
  "bash",
  ["-c", '. "$0" && printf %s "$CACHE"', join(__dirname, "shell.sh")],
  {
    encoding: "utf8",
  },
);
