import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../core/root";
import { main, type Connect } from "../../commands/site";
import { EXAMPLE_CONFIG } from "../../commands/graph";
import { discover, guessType, readInstances, renderProbe } from "../../commands/site/discover";

const SITES = join(__dirname, "../sites");
const NGINX = join(SITES, "nginx.json");

/** Returns a container as `lxc list` prints it, with the keys that the command reads. */
function instance(name: string, address?: string, more: object = {}) {
  const addresses = [
    { family: "inet6", address: "fd42::2" },
    ...(address === undefined ? [] : [{ family: "inet", address }]),
  ];
  return {
    name,
    status: "Running",
    type: "container",
    config: {},
    expanded_devices: { root: { path: "/", type: "disk" } },
    state: {
      network: { lo: { addresses: [{ family: "inet", address: "127.0.0.1" }] }, eth0: { addresses } },
    },
    ...more,
  };
}

/** Returns a host whose containers have these programs installed. It records the commands that it gets. */
function host(instances: object[], installed: Record<string, string> = {}) {
  const commands: { command: string; stdin?: string }[] = [];
  const run = (command: string, stdin?: string) => {
    commands.push({ command, ...(stdin === undefined ? {} : { stdin }) });
    if (command.includes(" lxc list ")) return Promise.resolve(JSON.stringify(instances));
    const name = / exec --project \S+ (\S+) /.exec(command)?.[1] ?? "";
    const words = installed[name];
    return words === undefined ? Promise.reject(new Error("a command failed")) : Promise.resolve(words);
  };
  return { commands, run };
}

const OPTIONS = {
  user: "siem",
  lxdProject: "default",
  probe: "the probe\n",
  known: ["proxy"],
  inNetwork: (ip: string) => ip.startsWith("192.168.0."),
};

describe("npm run site -- FILE", () => {
  it("prints what the stack makes of a file", async () => {
    const { stdout, stderr, code } = await main([join(SITES, "apache.json")]);
    assert.deepEqual([stderr, code], ["", 0]);
    assert.deepEqual(stdout.split("\n"), [
      "site    hmis.example.net (Asia/Colombo), network 172.19.2.0/24, gateway 172.19.2.1",
      'Kibana  https://hmis.example.net/siem, through apache2 in "proxy"',
      'SIEM    "siem" at 172.19.2.200: ubuntu:24.04, memory 4GiB, heap 1280m, CPU 2, disk 50GiB, protected',
      "agents  in 5 of 7 containers",
      "",
      "container  type            ip            generation  agent  logs",
      "hmis       dhis2           172.19.2.11   1           yes    journal; /opt/dhis2/logs/dhis-audit.log",
      "logger     journal_logger  172.19.2.40   1           no",
      "monitor    munin_monitor   172.19.2.30   1           yes    journal with apache2; /var/log/munin/munin-*.log; /var/log/apache2/dhis2-siem-access.log; /var/log/apache2/*error*.log",
      "postgres   postgres12      172.19.2.20   1           yes    journal with postgresql",
      "proxy      apache_proxy    172.19.2.2    1           yes    journal with apache2; /var/log/apache2/dhis2-siem-access.log; /var/log/apache2/*error*.log",
      "siem       es_siem         172.19.2.200  1           no",
      "training   dhis2           172.19.2.12   3           yes    journal; /opt/dhis2/logs/dhis-audit.log",
      "",
    ]);
  });

  it("prints it for machines", async () => {
    const { stdout, code } = await main([NGINX, "--json"]);
    const { site, siem } = JSON.parse(stdout) as { site: { fqdn: string }; siem: { heap: string } };
    assert.deepEqual([site.fqdn, siem.heap, code], ["dhis2.example.org", "1280m", 0]);
  });

  it("says what it is for", async () => {
    for (const args of [[], [NGINX, NGINX], [NGINX, "--discover", "x"]]) {
      const { stderr, code } = await main(args);
      assert.match(stderr, /^error: .+\nusage: npm run -s site -- \[options\] \[file\]\n/);
      assert.equal(code, 2);
    }
    const unknown = await main(["--jsn"]);
    assert.match(
      unknown.stderr,
      /^error: unknown option '--jsn'\n.*\nusage: npm run -s site -- \[options\] \[file\]\n/,
    );
    assert.equal(unknown.code, 2);
    assert.deepEqual(await main(["/none.json"]), {
      stdout: "",
      stderr: "/none.json cannot be read (ENOENT)\n",
      code: 1,
    });
  });

  it("runs as a command of its own, and fails with every error", function () {
    this.timeout(30_000);
    const { status, stdout, stderr } = spawnSync(
      "node",
      ["-r", "./core/register.js", "commands/site.ts", "package.json"],
      { cwd: ROOT, encoding: "utf8" },
    );
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /^package\.json:2: name is not a known key\. /m);
    assert.match(
      stderr,
      /^package\.json:1: fqdn is missing; it must be a full domain name, such as dhis2\.example\.org$/m,
    );
  });
});

describe("npm run site, with a stack's file", () => {
  let folder = "";
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-site-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const writeSite = (edit: (text: string) => string) =>
    writeFileSync(join(folder, "site.json"), edit(readFileSync(NGINX, "utf8")));
  const writeStack = (lines: Record<string, string>) =>
    writeFileSync(
      join(folder, "Pulumi.prod.yaml"),
      `config:\n${Object.entries({ site: "site.json", ...EXAMPLE_CONFIG, ...lines })
        .map(([key, value]) => `  dhis2-siem:${key}: ${value}\n`)
        .join("")}`,
    );
  const withoutInstance = (text: string) => text.replace(/.*"dhis2" },\n/, "");

  it("adds the stack's DHIS2 instances and the container's settings", async () => {
    writeSite(withoutInstance);
    const file = join(folder, "site.json");
    assert.match((await main([file])).stderr, / containers must have an entry of type dhis2: /);
    writeStack({
      dhis2: "[{ name: hmis, ip: 192.168.0.11 }]",
      siem: "{ memory: 8GiB, disk: 50GiB, protect: false }",
    });
    const { stdout, code } = await main([file, "--stack", "prod"], folder);
    assert.equal(code, 0);
    assert.match(stdout, /^hmis {7}dhis2 +192\.168\.0\.11 /m);
    assert.match(stdout, /^SIEM .* memory 8GiB, heap 3328m, CPU 2, disk 50GiB$/m);
  });

  it("says what is wrong with either, but not of what is encrypted", async () => {
    writeSite((text) => text.replace("Africa/Accra", "Accra"));
    writeStack({ host: "{ secure: v1:abc }", privateKey: "{ secure: v1:def }", port: "x" });
    const file = join(folder, "site.json");
    const expected = [
      "Pulumi.prod.yaml:7: dhis2-siem:port must be a whole number from 1 to 65535",
      `${file}:4: environment.TZ must be a time zone, such as Africa/Accra`,
    ];
    assert.deepEqual(await main([file, "--stack", "prod"], folder), {
      stdout: "",
      stderr: `${expected.join("\n")}\n`,
      code: 1,
    });
    const { stdout, code } = await main([file, "--stack", "prod", "--json"], folder);
    const { problems } = JSON.parse(stdout) as { problems: object[] };
    assert.equal(code, 1);
    assert.deepEqual(problems[1], {
      file,
      line: 4,
      path: "environment.TZ",
      message: "must be a time zone, such as Africa/Accra",
    });
  });

  it("says what is wrong with the site's own rules, and with its settings for rules", async () => {
    writeSite((text) => text);
    const file = join(folder, "site.json");
    const check = () => main([file, "--stack", "prod"], folder);
    mkdirSync(join(folder, "rules"));
    const rule = join(folder, "rules/odd.yml");
    writeFileSync(rule, "title: 1\n");
    const expected = new RegExp(`^${rule}:1: title must be a string\\n`);
    writeStack({ detectionsFolder: "rules" });
    assert.match((await check()).stderr, expected);
    writeStack({ detectionsFolder: "rules", host: "{ secure: v1:abc }" });
    assert.match((await check()).stderr, expected);
    rmSync(rule);
    writeStack({ detectionsFolder: "rules", detections: "{ nobody: { enabled: false } }" });
    const { stderr, code } = await check();
    assert.match(
      stderr,
      /^Pulumi.prod.yaml:\d+: dhis2-siem:detections.nobody must be the name or id of a detection; .*\n$/,
    );
    assert.equal(code, 1);
  });

  it("says which delivery secret stands in plain text, as a preview does", async () => {
    writeSite((text) => text);
    writeStack({
      delivery: "{ destinations: [{ name: a, type: slack }, { name: b, type: slack }] }",
      deliverySecrets: '{ a: { secure: v1:abc }, b: "https://hooks.example.org/x" }',
    });
    const { stderr, code } = await main([join(folder, "site.json"), "--stack", "prod"], folder);
    const set = "pulumi config set --secret --path 'deliverySecrets.b'";
    assert.equal(
      stderr,
      `Pulumi.prod.yaml:7: dhis2-siem:deliverySecrets.b must be encrypted; set it again with: ${set}\n`,
    );
    assert.equal(code, 1);
  });

  it("discovers what the file lacks on the stack's host, logs in with a key, and closes the connection", async () => {
    writeSite(withoutInstance);
    writeStack({ lxdProject: "hmis" });
    writeFileSync(join(folder, "key"), "the key");
    const { run, commands } = host([instance("hmis", "192.168.0.11"), instance("siem", "192.168.0.200")], {
      hmis: "dhis2\ntomcat\n",
    });
    const connections: unknown[] = [];
    const connect: Connect = (to) => {
      connections.push(to);
      return Promise.resolve({ run, close: () => connections.push("closed") });
    };
    const args = ["--discover", "prod", "--identity", join(folder, "key")];
    assert.deepEqual(await main(args, folder, connect), {
      stdout: '[\n  { "name": "hmis", "ip": "192.168.0.11", "type": "dhis2" }\n]\n',
      stderr: "hmis: dhis2 (installed: dhis2, tomcat)\n",
      code: 0,
    });
    assert.deepEqual(connections, [{ ...EXAMPLE_CONFIG, port: 22, privateKey: "the key" }, "closed"]);
    assert.match(commands[1]?.stdin ?? "", /^#!\/usr\/bin\/env bash\n/);
    assert.match(commands[1]?.command ?? "", / lxc exec --project hmis hmis /);
  });

  it("logs in with the key that the config keeps encrypted", async () => {
    writeSite(withoutInstance);
    writeStack({ privateKey: "{ secure: v1:abc }" });
    const { run } = host([instance("siem", "192.168.0.200")], {});
    const keys: unknown[] = [];
    const connect: Connect = ({ privateKey }) => {
      keys.push(privateKey);
      return Promise.resolve({ run, close: () => undefined });
    };
    const asked: unknown[] = [];
    const pulumi = (args: readonly string[]) => {
      asked.push(args);
      return Promise.resolve("the config's key");
    };
    assert.equal((await main(["--discover", "prod"], folder, connect, pulumi)).code, 0);
    assert.deepEqual(keys, ["the config's key"]);
    assert.deepEqual(asked, [["config", "get", "privateKey", "--stack", "prod"]]);
    writeFileSync(join(folder, "key"), "another key");
    const identity = ["--discover", "prod", "--identity", join(folder, "key")];
    assert.equal((await main(identity, folder, connect, () => assert.fail("not asked"))).code, 0);
    assert.deepEqual(keys, ["the config's key", "another key"]);
  });

  it("closes the connection and says why, where the host does not answer", async () => {
    writeSite(withoutInstance);
    writeStack({});
    let closed = false;
    const connect: Connect = () =>
      Promise.resolve({
        run: () => Promise.reject(new Error("sudo: a password is required")),
        close: () => (closed = true),
      });
    const { stdout, stderr, code } = await main(["--discover", "prod"], folder, connect);
    assert.deepEqual([stdout, stderr, code, closed], ["", "sudo: a password is required\n", 1, true]);
  });

  it("discovers nothing with a stack or a site that is wrong", async () => {
    const connect: Connect = () => assert.fail("nothing is to be reached");
    assert.match(
      (await main(["--discover", "prod"], folder, connect)).stderr,
      /Pulumi\.prod\.yaml cannot be read/,
    );
    writeSite((text) => text.replace("es_siem", "dhis2"));
    writeStack({ port: "x" });
    assert.match((await main(["--discover", "prod"], folder, connect)).stderr, /port must be a whole number/);
    writeStack({});
    assert.match(
      (await main(["--discover", "prod"], folder, connect)).stderr,
      /^site\.json:9: .* exactly one entry of type es_siem;/,
    );
  });
});

describe("what runs on a host", () => {
  it("is proposed where the site does not list it", async () => {
    const { run, commands } = host(
      [
        instance("zwei", "192.168.0.12"),
        instance("proxy", "192.168.0.2"),
        instance("db", "192.168.0.20"),
        instance("other", "10.0.0.3"),
        instance("bare"),
        instance("thing", "192.168.0.50"),
        instance("stopped-dhis", undefined, {
          status: "Stopped",
          state: null,
          expanded_devices: { eth0: { "ipv4.address": "192.168.0.13", type: "nic" } },
        }),
        instance("mute", "192.168.0.51"),
      ],
      { zwei: "tomcat\n", db: "postgres15\n", thing: "" },
    );
    assert.deepEqual(await discover({ ...OPTIONS, run }), {
      proposals: [
        { entry: { name: "db", ip: "192.168.0.20", type: "postgres" }, why: "installed: postgres15" },
        {
          entry: { name: "stopped-dhis", ip: "192.168.0.13", type: "dhis2" },
          why: "by its name only; please check",
        },
        { entry: { name: "zwei", ip: "192.168.0.12", type: "dhis2" }, why: "installed: tomcat" },
      ],
      notes: [
        "bare: is not in the site's network: 127.0.0.1",
        "mute: its type cannot be guessed (it could not be looked into); its address is 192.168.0.51",
        "other: is not in the site's network: 127.0.0.1, 10.0.0.3",
        "thing: its type cannot be guessed (nothing that is known is installed); its address is 192.168.0.50",
      ],
    });
    const sudo =
      "sudo -n env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin lxc";
    assert.deepEqual(commands.slice(0, 2), [
      { command: `${sudo} list --project default --format json` },
      {
        command: `${sudo} exec --project default db --mode non-interactive -- bash -s`,
        stdin: "the probe\n",
      },
    ]);
    assert.equal(commands.length, 5, "nothing is run in stopped, foreign or listed containers");
  });

  it("needs no sudo for root", async () => {
    const { run, commands } = host([instance("proxy", "192.168.0.2")]);
    assert.deepEqual(await discover({ ...OPTIONS, user: "root", run }), { proposals: [], notes: [] });
    assert.match(commands[0]?.command ?? "", /^env PATH=/);
  });

  it("is missed where there is none at all", async () => {
    await assert.rejects(discover({ ...OPTIONS, run: host([]).run }), {
      message: 'the host has no container in the LXD project "default"; is lxdProject right?',
    });
  });

  it("never becomes a command by its name", async () => {
    const { run, commands } = host([
      instance("x; reboot", "192.168.0.9"),
      instance("$(reboot)", "192.168.0.8"),
    ]);
    assert.deepEqual(await discover({ ...OPTIONS, run }), { proposals: [], notes: [] });
    assert.equal(commands.length, 1);
  });

  it("is guessed by what is installed, then by dhis2-tools-dab's mark, then by its name", () => {
    const guesses = (
      [
        ["munin\napache2", "monitor", "", "munin_monitor"],
        ["apache2", "monitor", "", "apache_proxy"],
        ["nginx", "web", "", "nginx_proxy"],
        ["postgres12", "x", "", "postgres12"],
        ["postgres16", "x", "", "postgres"],
        ["elasticsearch", "x", "", "es_siem"],
        ["journal-remote", "x", "", "journal_logger"],
        ["dhis2\nnginx", "x", "", "dhis2"],
        ["", "moh", "Tomcat server", "dhis2"],
        [undefined, "Postgres-2", "", "postgres"],
        [undefined, "logger", "", "journal_logger"],
        [undefined, "proxy", "", undefined],
        ["", "training", "", undefined],
      ] as const
    ).map(([words, name, mark, type]) => [guessType({ name, mark }, words?.split("\n"))?.type, type]);
    for (const [guess, type] of guesses) assert.equal(guess, type);
  });

  it("is read from LXD's own words, and refused from others'", () => {
    const text = JSON.stringify([
      instance("dhis", "192.168.0.10", {
        config: {
          "user.type": "Tomcat server",
          "volatile.uuid": "4b5ef1a0-6b1b-4d0c-9c6e-0d1a53c1a5ac",
        },
        expanded_devices: { eth0: { "ipv4.address": "192.168.0.11" } },
      }),
    ]);
    assert.deepEqual(readInstances(text), [
      {
        name: "dhis",
        ...{ running: true, hidingDevices: [] },
        addresses: ["192.168.0.11", "127.0.0.1", "192.168.0.10"],
        mark: "Tomcat server",
        uuid: "4b5ef1a0-6b1b-4d0c-9c6e-0d1a53c1a5ac",
      },
    ]);
    for (const other of ["", "{}", `[{"name":1}]`]) assert.throws(() => readInstances(other));
  });

  it("is looked into by a probe that runs to its end anywhere", () => {
    const script = readFileSync(join(__dirname, "../../commands/site/probe.sh"), "utf8");
    const words = execFileSync("bash", ["-s"], { input: renderProbe(script), encoding: "utf8" });
    assert.match(words, /^([a-z0-9-]+\n)*$/);
  });
});
