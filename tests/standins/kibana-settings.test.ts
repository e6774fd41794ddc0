import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSettings, loadSettings } from "../../lab/standins/kibana/settings";
import { renderKibanaYml } from "../../render/elastic";
import { encryptionKey, settings } from "./kibana-samples";

const KEYSTORE = join(__dirname, "../../lab/build/deb/kibana/kibana-keystore.sh");

describe("the stand-in for Kibana: its settings and keystore", () => {
  // prettier-ignore
  const wrong: [string, Record<string, unknown>, RegExp][] = [
    ["an unknown key", { "server.prt": 1 }, /^\[server\.prt\]: definition for this key is missing/],
    ["a wrong type", { "server.port": "x" }, /^\[server\.port\]: expected value of type \[number\] but got \[string\]/],
    ["a short encryption key", { "xpack.encryptedSavedObjects.encryptionKey": "short" }, /^\[xpack\.encryptedSavedObjects\.encryptionKey\]/],
    ["no encryption key", { "xpack.encryptedSavedObjects.encryptionKey": undefined }, /^\[xpack\.encryptedSavedObjects\.encryptionKey\]/],
    ["the superuser", { "elasticsearch.username": "elastic" }, /value of "elastic" is forbidden/],
    ["a base path with a slash at its end", { "server.basePath": "/siem/" }, /don't end with one/],
    ["an address without the base path", { "server.basePath": "/siem", "server.publicBaseUrl": "https://dhis2.example/" }, /\[publicBaseUrl\] must contain the \[basePath\]: \/ !== \/siem/],
  ];
  const good = { ...settings, "elasticsearch.hosts": ["http://localhost:9200"] };
  it("takes what is right", () => assert.equal(checkSettings(good)["server.port"], 5601));
  for (const [what, changes, message] of wrong)
    it(`refuses ${what}`, () => assert.throws(() => checkSettings({ ...good, ...changes }), { message }));

  it("reads the kibana.yml that this project writes, and the keystore beside it, which only stdin fills", () => {
    const folder = mkdtempSync(join(tmpdir(), "keystore-"));
    try {
      const env = { ...process.env, KBN_PATH_CONF: folder };
      const run = (args: string, input = "") =>
        execFileSync("sh", [KEYSTORE, ...args.split(" ")], { env, input, encoding: "utf8", stdio: "pipe" });
      run("create");
      assert.equal(statSync(join(folder, "kibana.keystore")).mode & 0o007, 0, "others cannot read it");
      for (const value of ["first\n", "second"])
        assert.equal(run("add elasticsearch.password --stdin --force", value), "");
      run("add xpack.encryptedSavedObjects.encryptionKey --stdin --force", encryptionKey);
      run("create");
      assert.deepEqual(run("list").trim().split("\n"), [
        "elasticsearch.password",
        "xpack.encryptedSavedObjects.encryptionKey",
      ]);
      assert.throws(() => run("add elasticsearch.password on-the-command-line"), /Usage/);
      const yml = renderKibanaYml("siem", "192.0.2.2", "https://dhis2.example/siem");
      writeFileSync(join(folder, "kibana.yml"), yml);
      const loaded = loadSettings(folder);
      assert.deepEqual(
        [loaded["server.port"], loaded["server.basePath"], loaded["elasticsearch.hosts"]],
        [5601, "/siem", ["https://192.0.2.2:9200"]],
      );
      assert.equal(loaded["elasticsearch.password"], "second");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
