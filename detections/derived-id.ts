import { createHash } from "node:crypto";

/** Returns a UUID (version 5) that is always the same for a detection's id and a word, such as a container's name. */
export function derivedId(id: string, word: string): string {
  const hash = createHash("sha1")
    .update(Buffer.from(id.replaceAll("-", ""), "hex"))
    .update(word)
    .digest()
    .subarray(0, 16);
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
