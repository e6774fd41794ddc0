import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { utils } from "ssh2";
import { loadFromPulumi } from "../../config/pulumi";
import { EXAMPLE_CONFIG } from "../../commands/graph";

const SITES = join(__dirname, "../sites");
const { private: privateKey } = utils.generateKeyPairSync("ed25519");
const bastion = JSON.stringify({ host: "jump", user: "me", hostKey: EXAMPLE_CONFIG.hostKey });

/** Sets the config as Pulumi's engine does. */
function setConfig(values: Record<string, string>, secrets: readonly string[] = []): void {
  const all = { ...EXAMPLE_CONFIG, site: "nginx.json", ...values };
  const named = Object.entries(all).map(([key, value]) => [`dhis2-siem:${key}`, value] as const);
  pulumi.runtime.setAllConfig(
    { ...Object.fromEntries(named), "other:key": "x" },
    secrets.map((key) => `dhis2-siem:${key}`),
  );
}

/** Makes Pulumi's SDK believe that an update or a preview runs. */
function run({ preview }: { preview: boolean }): Promise<void> {
  const mocks = { call: () => ({}), newResource: () => ({ id: "", state: {} }) };
  return pulumi.runtime.setMocks(mocks, "dhis2-siem", "prod", preview);
}

describe("a stack's config from Pulumi", () => {
  const before = process.cwd();
  const agent = process.env.SSH_AUTH_SOCK;
  let folder = "";
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "dhis2-siem-config-"));
    process.chdir(folder);
    process.env.SSH_AUTH_SOCK = join(folder, "agent");
    await run({ preview: false });
  });
  afterEach(() => {
    process.chdir(before);
    if (agent === undefined) delete process.env.SSH_AUTH_SOCK;
    else process.env.SSH_AUTH_SOCK = agent;
    rmSync(folder, { recursive: true });
  });

  it("gives the destinations' secrets as secrets, and refuses each in plain text, once", async () => {
    const url = "https://soar.example.org/hook";
    const destinations = ["a", "b"].map((name) => ({ name, type: "webhook", url }));
    const delivery = JSON.stringify({ destinations });
    setConfig({ delivery, deliverySecrets: `{"a":"x","b":"y"}` }, ["deliverySecrets"]);
    const secrets = Object.values(loadFromPulumi(SITES).deliverySecrets);
    assert.equal(secrets.length, 2);
    for (const secret of secrets) assert.ok(await pulumi.isSecret(secret));
    writeFileSync(
      "Pulumi.prod.yaml",
      "config:\n  dhis2-siem:deliverySecrets:\n    a:\n      secure: v1:xx\n    b: y\n",
    );
    assert.throws(() => loadFromPulumi(SITES), {
      message:
        /^the input has 1 problem; .*\nPulumi\.prod\.yaml:5: dhis2-siem:deliverySecrets\.b must be encrypted; set it again with: .*\.b'$/,
    });
    writeFileSync("Pulumi.prod.yaml", "config:\n  dhis2-siem:deliverySecrets:\n    a: x\n    b: y\n");
    setConfig({ delivery, deliverySecrets: `{"a":"x","b":"y"}` });
    assert.throws(() => loadFromPulumi(SITES), {
      message:
        /^the input has 2 problems; .*\nP.*:3: .*\.a must be encrypted; .*\nP.*:4: .*\.b must be encrypted; .*$/,
    });
  });

  it("gives the site, the options and a connection whose key is secret", async () => {
    setConfig({ privateKey, bastion, port: "2222" }, ["privateKey"]);
    const { site, options, connection } = loadFromPulumi(SITES);
    assert.equal(site.fqdn, "dhis2.example.org");
    assert.equal(options.host.port, 2222);
    const {
      privateKey: key,
      proxy,
      ...open
    } = connection as typeof connection & {
      proxy: { privateKey: pulumi.Output<string>; host: string; port: number; hostKey: string };
    };
    assert.deepEqual(open, { ...EXAMPLE_CONFIG, port: 2222 });
    assert.deepEqual([proxy.host, proxy.port, proxy.hostKey], ["jump", 22, EXAMPLE_CONFIG.hostKey]);
    for (const login of [key, proxy.privateKey]) {
      assert.ok(login && (await pulumi.isSecret(login)));
    }
  });

  it("leaves the login to the SSH agent where there is no key", () => {
    setConfig({});
    assert.deepEqual(loadFromPulumi(SITES).connection, { ...EXAMPLE_CONFIG, port: 22 });
  });

  it("says what to do where there is neither an agent nor a key, before anything is dialled", async () => {
    setConfig({});
    delete process.env.SSH_AUTH_SOCK;
    assert.throws(
      () => loadFromPulumi(SITES),
      /no SSH key to log in with; .*pulumi config set --secret privateKey/,
    );
    await run({ preview: true });
    assert.ok(loadFromPulumi(SITES), "a preview dials nobody");
  });

  it("says all that is wrong, of the config with its lines and of the site, and nothing secret", () => {
    const text = readFileSync(join(SITES, "nginx.json"), "utf8").replace("192.168.0.30", "192.168.0.20");
    writeFileSync("wrong.json", text);
    writeFileSync("Pulumi.prod.yaml", "config:\n  dhis2-siem:site: wrong.json\n  dhis2-siem:port: ssh\n");
    setConfig({ site: "wrong.json", port: "ssh", privateKey });
    assert.throws(() => loadFromPulumi(folder), {
      constructor: pulumi.RunError,
      message: [
        "the input has 3 problems; nothing was changed",
        "Pulumi.prod.yaml:3: dhis2-siem:port must be a whole number from 1 to 65535",
        "Pulumi.prod.yaml: dhis2-siem:privateKey must be encrypted; set it again with: pulumi config set --secret privateKey < FILE",
        'wrong.json:13: containers[3].ip must be unique; "192.168.0.20" is already the ip of containers[2]',
      ].join("\n"),
    });
  });

  it("says where a site's file was looked for", () => {
    setConfig({ site: "none.json" });
    assert.throws(() => loadFromPulumi(folder), {
      constructor: pulumi.RunError,
      message: `the input has 1 problem; nothing was changed\nPulumi.prod.yaml: dhis2-siem:site must be the path of a readable file; ${join(folder, "none.json")} is not`,
    });
  });

  it("says that the config is empty", () => {
    pulumi.runtime.setAllConfig({});
    assert.throws(() => loadFromPulumi(folder), /^Error: the input has 4 problems; nothing was changed\n/);
  });
});
