import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canaryBundle, hostFactsBundle, readHostFacts } from "../../../commands/verify/host-facts";
import { sample } from "./samples";

/** LXD's list: what is looked at of it. */
const LIST = JSON.stringify([
  {
    name: "dhis",
    status: "Running",
    config: { "volatile.uuid": "uuid-dhis", "volatile.uuid.generation": "uuid-dhis" },
  },
  {
    name: "postgres",
    status: "Stopped",
    config: { "volatile.uuid": "uuid-postgres", "volatile.uuid.generation": "uuid-restored" },
  },
  { name: "odk", status: "Running", config: {} },
]);

/** An lxc of two running containers and a stopped one; `exec` runs here, before tools of the container's own. */
const LXC = `#!/bin/bash
echo "lxc $*" >>"$FOLDER/calls"
case $1 in
  list)
    case "$*" in
      *json*) cat "$FOLDER/list.json" ;;
      *) for last in "$@"; do :; done
        [ "$last" != '^dhis$' ] || echo dhis,RUNNING
        [ "$last" != '^postgres$' ] || echo postgres,STOPPED ;;
    esac ;;
  exec)
    [ "$2" = dhis ] || exit 1
    while [ "$1" != -- ]; do shift; done
    shift
    exec "$@" ;;
esac
`;
const TOOLS: Readonly<Record<string, string>> = {
  lxc: LXC,
  systemctl: '[ "$2" != filebeat ] && { echo inactive; exit 3; } || echo active\n',
  "dpkg-query":
    'for last in "$@"; do :; done; case $last in filebeat) printf "hold installed 8.19.8" ;; kibana) printf "deinstall config-files 8.19.7" ;; *) exit 1 ;; esac\n',
  "systemd-cat": 'sed "s/^/$2 /" >>"$FOLDER/journal"\n',
};

describe("what verify runs on the host", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "dhis2-siem-verify-"));
    for (const [name, text] of Object.entries(TOOLS)) {
      writeFileSync(join(folder, name), text.startsWith("#!") ? text : `#!/bin/bash\n${text}`);
      chmodSync(join(folder, name), 0o755);
    }
    writeFileSync(join(folder, "list.json"), `${LIST}\n`);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const run = (bundle: string) =>
    spawnSync("bash", ["-s"], {
      input: bundle,
      encoding: "utf8",
      env: { ...process.env, FOLDER: folder, PATH: `${folder}:${process.env.PATH}` },
    });

  it("says what is in each running container of the site, in one run, and changes nothing", () => {
    const file = join(folder, "edited");
    const gone = join(folder, "gone");
    writeFileSync(file, "as it is\n");
    const { state } = sample((site) => {
      site.state.containers.dhis = { uuids: [], files: { [file]: "1", [gone]: "2" } };
    });
    const before = readdirSync(folder);
    const { stdout, stderr, status } = run(hostFactsBundle("default", ["dhis", "postgres"], state));
    assert.deepEqual([stderr, status], ["", 0]);
    const facts = readHostFacts(stdout);
    assert.deepEqual(
      facts.instances.map(({ name, running, uuid }) => [name, running, uuid]),
      [
        ["dhis", true, "uuid-dhis"],
        ["postgres", false, "uuid-postgres/uuid-restored"],
        ["odk", true, ""],
      ],
    );
    assert.deepEqual(Object.keys(facts.containers), ["dhis"]);
    const { dhis } = facts.containers;
    assert.equal(dhis?.units.filebeat, "active");
    assert.equal(dhis?.units.kibana, "inactive");
    assert.deepEqual(dhis?.packages, { filebeat: { version: "8.19.8", held: true } });
    assert.deepEqual(dhis?.files, {
      [file]: createHash("sha256").update("as it is\n").digest("hex"),
      [gone]: undefined,
    });
    assert.deepEqual(
      readdirSync(folder).filter((name) => !before.includes(name)),
      ["calls"],
    );
    const calls = readFileSync(join(folder, "calls"), "utf8").trimEnd().split("\n");
    for (const call of calls) assert.match(call, /^lxc (list|exec dhis) /);
  });

  it("says which of PostgreSQL's clusters have the stack's settings", () => {
    const etc = join(folder, "postgresql");
    for (const cluster of ["13/dropped", "15/main", "17/main"])
      mkdirSync(join(etc, cluster, "conf.d"), { recursive: true });
    for (const path of ["13/dropped/conf.d/50-dhis2-siem.conf", "15/main/conf.d/50-dhis2-siem.conf"])
      writeFileSync(join(etc, path), "");
    for (const cluster of ["15/main", "17/main"]) writeFileSync(join(etc, cluster, "postgresql.conf"), "");
    const bundle = hostFactsBundle("default", ["dhis"], sample().state).replaceAll("/etc/postgresql", etc);
    const { dhis } = readHostFacts(run(bundle).stdout).containers;
    assert.deepEqual(dhis?.sources.postgresql, {
      [join(etc, "15/main")]: "ours",
      [join(etc, "17/main")]: "",
    });
  });

  it("has no secret in it", () => {
    const { state } = sample();
    assert.ok(!hostFactsBundle("default", ["dhis"], state).includes(state.elasticPassword));
  });

  it("says of a container that cannot be looked into no more than that", () => {
    writeFileSync(join(folder, "lxc"), LXC.replace('[ "$2" = dhis ] || exit 1', "exit 1"));
    const { stdout, stderr, status } = run(hostFactsBundle("default", ["dhis"], sample().state));
    assert.deepEqual([stderr, status], ["dhis could not be looked into\n", 0]);
    assert.deepEqual(readHostFacts(stdout).containers, {});
  });

  it("fails where LXD does not answer", () => {
    writeFileSync(join(folder, "lxc"), "#!/bin/bash\nexit 1\n");
    const { stderr, status } = run(hostFactsBundle("other", ["dhis"], sample().state));
    assert.deepEqual([stderr, status], ["LXD does not answer for the project 'other'\n", 1]);
  });

  it("lets a container lie about itself only", () => {
    const line = (name: string, text: string) => `${name}\t${text}\n`;
    const unit = (state: string) => JSON.stringify({ fact: "unit", key: "filebeat", value: state });
    const facts = readHostFacts(
      line("", LIST) +
        line("dhis", unit("active")) +
        line("dhis", `\t${LIST.replaceAll("odk", "evil")}`) +
        line("dhis", "no JSON") +
        line("dhis", `proxy\t${unit("active")}`),
    );
    assert.deepEqual(Object.keys(facts.containers), ["dhis"]);
    assert.equal(facts.instances[2]?.name, "odk");
    assert.throws(() => readHostFacts(line("dhis", unit("active"))), /did not say which containers/);
  });

  it("writes the canary's lines, and says where", () => {
    const { stdout, stderr } = run(
      canaryBundle("default", ["dhis", "postgres"], {
        token: "c0ffee",
        identifier: "mark",
        alertIdentifier: "mark-alert",
        alertContainer: "dhis",
      }),
    );
    assert.equal(stdout, "dhis\n");
    assert.match(stderr, /^postgres: the line could not be written\n$/);
    const text = "canary c0ffee of the SIEM: a test, nothing happened\n";
    assert.equal(readFileSync(join(folder, "journal"), "utf8"), `mark ${text}mark-alert ${text}`);
  });
});
