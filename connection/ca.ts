import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Writes the stack's CA (PEM) where the provider's Kibana connection reads it: world-readable (it is no secret), and
 * in one step, so that nobody ever reads half of it. Makes the folder. Throws what the file system says.
 */
export function writeCa(file: string, pem: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, pem);
  // The mode given at creation would be cut by the umask.
  chmodSync(draft, 0o644);
  renameSync(draft, file);
}
