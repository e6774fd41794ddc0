import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** The folder for downloads and builds, outside the repository. `core/shell.sh` defines it. */
export const CACHE = execFileSync(
  "bash",
  ["-c", '. "$0" && printf %s "$CACHE"', join(__dirname, "shell.sh")],
  {
    encoding: "utf8",
  },
);
