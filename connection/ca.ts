import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Writes the stack's CA (PEM) to the file that the provider's Kibana connection reads. Creates the folder. The file is
 * world-readable, because a CA certificate is not secret, and is replaced in one step, so that nobody reads half of it.
 * Throws the file system's error.
 */
export function writeCa(file: string, pem: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, pem);
  // The mode given at creation would be cut by the umask.
  chmodSync(draft, 0o644);
  renameSync(draft, file);
}
