import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../core/root";
import { checkProvider, folderHash, providerFolder } from "../../connection/provider";
import pinned from "../../connection/provider-hashes.json";

const PLUGIN = "pulumi-resource-terraform-provider";

describe("the hash of the provider that receives the superuser's password", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-provider-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const machine = (env: Record<string, string> = {}, platform = "linux", arch = "x64") => ({
    env: { PULUMI_HOME: join(folder, "home"), PATH: "/usr/bin", ...env },
    platform,
    arch,
    root: ROOT,
  });
  /** Puts files into the provider's folder. */
  function install(files: Readonly<Record<string, string>>): string {
    const target = providerFolder(machine());
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(target, name, ".."), { recursive: true });
      writeFileSync(join(target, name), text);
    }
    return target;
  }
  /** A program on the PATH; gives the PATH. */
  function onPath(name: string): string {
    const bin = join(folder, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, name), "#!/bin/sh\n");
    chmodSync(join(bin, name), 0o755);
    return `/usr/bin:${bin}`;
  }

  it("is the one that Go and OpenTofu compute", () => {
    // Printed by dirhash.HashDir(folder, "", dirhash.Hash1) of golang.org/x/mod 0.27.0 for the same files.
    const files = {
      "terraform-provider-elasticstack_v0.11.17": "binary\n",
      LICENSE: "license\n",
      "sub/a": "x",
    };
    assert.equal(folderHash(install(files)), "h1:V7uGYh1ci7C2dNYFmwrYHJQYxF3blLBj6c/Gh5Bse4M=");
  });

  it("is pinned for every platform that operators have, for the version that the program uses", () => {
    const sdk = JSON.parse(readFileSync(join(ROOT, "sdks/elasticstack/package.json"), "utf8")) as {
      pulumi: { parameterization: { version: string; value: string } };
    };
    const { version, value } = sdk.pulumi.parameterization;
    const { remote } = JSON.parse(Buffer.from(value, "base64").toString()) as { remote: object };
    assert.equal(pinned.version, version);
    assert.deepEqual(remote, { url: pinned.address, version: pinned.version });
    assert.deepEqual(Object.keys(pinned.platforms), [
      "darwin_amd64",
      "darwin_arm64",
      "linux_amd64",
      "linux_arm64",
    ]);
    for (const { archive, h1 } of Object.values(pinned.platforms)) {
      assert.match(archive, /^[0-9a-f]{64}$/);
      assert.match(h1, /^h1:[A-Za-z0-9+/]{43}=$/);
    }
  });

  it("is looked for where Pulumi's bridge keeps the provider", () => {
    const path = `registry.opentofu.org/elastic/elasticstack/${pinned.version}`;
    const at = (env: Record<string, string | undefined>, platform = "linux", arch = "x64") =>
      providerFolder({ env, platform, arch, root: ROOT });
    assert.equal(at({ HOME: "/h" }), `/h/.pulumi/dynamic_tf_plugins/${path}/linux_amd64`);
    assert.equal(at({ PULUMI_HOME: "/p" }, "darwin", "arm64"), `/p/dynamic_tf_plugins/${path}/darwin_arm64`);
    assert.equal(
      at({ PULUMI_HOME: "/p", PULUMI_DYNAMIC_TF_PLUGIN_CACHE_DIR: "/c" }),
      `/c/${path}/linux_amd64`,
    );
  });

  it("is refused where the files are others, also where only one was added", () => {
    const others: readonly Record<string, string>[] = [
      { "terraform-provider-elasticstack_v0.11.17": "evil" },
      { "terraform-provider-elasticstack_v0.11.17": "evil", more: "" },
    ];
    for (const files of others) {
      const target = install(files);
      assert.throws(
        () => checkProvider(machine()),
        (error: Error) => {
          assert.match(
            error.message,
            /is not Elastic's 0\.11\.17: its hash is h1:.*, and must be h1:UkCjgLY0/,
          );
          assert.match(error.message, /It did not get the password/);
          assert.ok(error.message.includes(target));
          return true;
        },
      );
    }
  });

  it("is refused where a link leads out of the folder", () => {
    const target = install({ LICENSE: "x" });
    symlinkSync("/bin/true", join(target, "terraform-provider-elasticstack_v0.11.17"));
    assert.throws(() => checkProvider(machine()), /must be a file or a folder/);
  });

  it("is not known before the first download", () => {
    assert.equal(checkProvider(machine()), "missing");
  });

  it("is refused for a platform without one", () => {
    assert.throws(
      () => checkProvider(machine({}, "win32", "x64")),
      /there is no hash of registry\.opentofu\.org\/elastic\/elasticstack 0\.11\.17 for win32_amd64; run this program on one of: darwin_amd64/,
    );
  });

  it("cannot be got round by a plugin on the PATH, which Pulumi would prefer", () => {
    const PATH = onPath(PLUGIN);
    assert.throws(
      () => checkProvider(machine({ PATH })),
      new RegExp(
        `^Error: ${join(folder, "bin", PLUGIN)} would receive the password .* take it off the PATH$`,
      ),
    );
    assert.equal(checkProvider(machine({ PATH, PULUMI_IGNORE_AMBIENT_PLUGINS: "true" })), "missing");
    assert.equal(checkProvider(machine({ PATH: onPath("another-program") + "x" })), "missing");
  });

  it("cannot be got round by a program that the environment names", () => {
    for (const name of ["PULUMI_DEBUG_PROVIDERS", "TF_REATTACH_PROVIDERS"])
      assert.throws(
        () => checkProvider(machine({ [name]: "x" })),
        new RegExp(`^Error: ${name} in the environment`),
      );
  });

  it("is not needed for a file of the project itself, and only for that", () => {
    const bin = join(ROOT, "lab/standins/pulumi/bin");
    assert.equal(checkProvider(machine({ PATH: bin })), "own");
    const linked = join(folder, "linked");
    mkdirSync(linked);
    symlinkSync(join(bin, PLUGIN), join(linked, PLUGIN));
    assert.equal(checkProvider(machine({ PATH: linked })), "own");
    assert.throws(() => checkProvider({ ...machine({ PATH: bin }), root: folder }), /take it off the PATH/);
  });
});
