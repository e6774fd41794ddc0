import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Endpoints } from "../../connection";
import { prepareConnection } from "../../connection";
import type { SshRequest } from "../../config/ssh";
import { options } from "../commands/verify/samples";
import { freePort, LOOPBACK } from "../../core/ports";
import * as servers from "../../lab/bench/ssh-servers";

const OVERRIDE = "ELASTICSEARCH_ENDPOINTS";

describe("the way to the servers", () => {
  const before = process.cwd();
  let folder = "";
  let ssh: SshRequest;
  beforeEach(async () => {
    process.chdir((folder = mkdtempSync(join(tmpdir(), "dhis2-siem-reach-"))));
    const [hostKeys, login] = [servers.keys(), servers.keys()];
    const { port } = await servers.sshServer({ hostPrivateKey: hostKeys.private, authorized: login.public });
    const host = { host: LOOPBACK, port, hostKey: hostKeys.public };
    ssh = { ...host, user: "admin", privateKey: login.private };
  });
  afterEach(async () => {
    delete process.env[OVERRIDE];
    await servers.endAll();
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });

  /** What the program gets of it, in an update or a preview. */
  async function endpoints(access: "direct" | "forward", preview: boolean): Promise<Endpoints> {
    const mocks = { call: () => ({}), newResource: () => ({ id: "", state: {} }) };
    await pulumi.runtime.setMocks(mocks, "dhis2-siem", "prod", preview);
    const way = (await prepareConnection({ ...options, access }, "192.0.2.1", ssh))(
      pulumi.output("the CA\n"),
    );
    return (way as unknown as { promise(): Promise<Endpoints> }).promise();
  }
  const caFile = ".siem/prod-ca.pem";

  it("is the servers' own address where the config says that it can be reached, with the CA in a file", async () => {
    const direct = { elasticsearch: "https://192.0.2.1:9200", kibana: "https://192.0.2.1:5601", caFile };
    assert.deepEqual(await endpoints("direct", false), direct);
    assert.equal(readFileSync(caFile, "utf8"), "the CA\n");
  });

  it("is known in a preview, which opens none", async () => {
    process.env[OVERRIDE] = "https://elsewhere.example.org";
    const { elasticsearch, kibana } = await endpoints("forward", true);
    assert.deepEqual([elasticsearch, kibana], ["https://127.0.0.1:19200", "https://127.0.0.1:15601"]);
  });

  it("is refused where the environment would send the provider to another server", async () => {
    process.env[OVERRIDE] = "https://elsewhere.example.org";
    await assert.rejects(
      endpoints("direct", false),
      /^Error: ELASTICSEARCH_ENDPOINTS in the environment would send/,
    );
    assert.equal(existsSync(caFile), false);
  });

  it("is refused before anything where the host lets nobody in", async () => {
    ssh = { ...ssh, port: await freePort() };
    await assert.rejects(endpoints("direct", false), /^Error: the host 127.* refuses the connection/);
    assert.equal(existsSync(caFile), false);
  });
});
