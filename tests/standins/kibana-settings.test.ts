import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keystoreCommand, keystorePath, readKeystore } from "../../lab/standins/kibana/keystore";
import { checkSettings, loadSettings } from "../../lab/standins/kibana/settings";
import { seal, unseal } from "../../lab/standins/kibana/store";
import type { Json } from "../../lab/standins/kibana/words";
import { encryptionKey } from "./kibana-samples";

describe("the stand-in for Kibana: its settings and keystore", () => {
  // prettier-ignore
  const wrong: [string, Json, RegExp][] = [
    ["an unknown section", { "servr.port": 1 }, /^Unknown configuration key\(s\): "servr"/],
    ["an unknown key", { "server.prt": 1 }, /^\[config validation of \[server\]\.prt\]: definition for this key is missing/],
    ["a wrong type", { "server.port": "x" }, /\[server\]\.port\]: expected value of type \[number\] but got \[string\]/],
    ["a short encryption key", { "xpack.encryptedSavedObjects.encryptionKey": "short" }, /minimum length of \[32\]/],
    ["the superuser", { "elasticsearch.username": "elastic" }, /value of "elastic" is forbidden/],
    ["a base path with a slash at its end", { "server.basePath": "/siem/" }, /don't end with one/],
    ["rewriting without a base path", { "server.rewriteBasePath": true }, /cannot use \[rewriteBasePath\]/],
    ["a public URL without the base path", { server: { basePath: "/siem", publicBaseUrl: "https://a.b" } }, /must contain the \[basePath\]/],
    ["TLS without a certificate", { "server.ssl.enabled": true }, /must specify \[certificate\] and \[key\]/],
  ];
  for (const [what, settings, message] of wrong)
    it(`refuses ${what}`, () => assert.throws(() => checkSettings(settings), { message }));

  it("reads kibana.yml and the keystore beside it, which only stdin fills", async () => {
    const folder = mkdtempSync(join(tmpdir(), "keystore-"));
    try {
      const path = keystorePath(folder);
      const lines: string[] = [];
      const run = (args: string, stdin = "") =>
        keystoreCommand(
          args.split(" "),
          path,
          () => Promise.resolve(stdin),
          (line) => lines.push(line),
        );
      assert.equal(await run("add elasticsearch.password --stdin", "x"), 1, "there is no keystore yet");
      assert.equal(await run("create"), 0);
      assert.equal(statSync(path).mode & 0o007, 0, "others cannot read it");
      assert.equal(await run("add elasticsearch.password --stdin", "first\n"), 0);
      await run("add elasticsearch.password --stdin", "second");
      assert.deepEqual(readKeystore(path), { "elasticsearch.password": "first" });
      await run("add elasticsearch.password --stdin --force", "third");
      await run("add other --stdin", "x");
      await run("remove other");
      await run("list");
      assert.deepEqual(lines.splice(-1), ["elasticsearch.password"]);
      assert.ok(!lines.join().includes("third"));
      assert.equal(await run("nonsense"), 64);
      writeFileSync(join(folder, "kibana.yml"), "server.port: 5602\nserver:\n  host: 0.0.0.0\n");
      const settings = loadSettings(join(folder, "kibana.yml"));
      assert.deepEqual([settings.server.port, settings.server.host], [5602, "0.0.0.0"]);
      assert.equal(settings.elasticsearch.password, "third");
      await run("add elasticsearch.password --stdin --force", "12345");
      assert.throws(() => loadSettings(join(folder, "kibana.yml")), /\[string\] but got \[number\]/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("cannot read what another encryption key sealed", () => {
    assert.equal(unseal(seal("id:key", encryptionKey), encryptionKey), "id:key");
    assert.throws(() => unseal(seal("id:key", encryptionKey), "other".repeat(8)), /Unable to decrypt/);
  });
});
