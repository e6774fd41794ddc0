import assert from "node:assert/strict";
import { utils } from "ssh2";
import { parseStack, readSiteSettings } from "../../config/load";
import { printProblem } from "../../core/problem";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBU9lvjm2+0dHkRGFyF1wq2rUXSMdQ6lgT0WFBZ5HFcC";
const RSA = utils.generateKeyPairSync("rsa", { bits: 2048 }).public;
const LEAST = { site: "site.json", host: "dhis2.example.org", user: "siem", hostKey: KEY };
const PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n";

function parsed(values: Record<string, string>, secrets: readonly string[] = ["privateKey"]) {
  return parseStack({ ...LEAST, ...values }, (key) => secrets.includes(key), "Pulumi.prod.yaml");
}

function problemsOf(values: Record<string, string>, secrets?: readonly string[]): string[] {
  const result = parsed(values, secrets);
  return result.ok ? [] : result.problems.map(printProblem);
}

const ELASTIC = "must be an exact version of the 8.19 series, such as 8.19.8";
const FILEBEAT = "must be an exact version of the 8.19 or 7.17 series, such as 8.19.8 or 7.17.29";
const HOST_KEY =
  "must be the server's public key, such as \"ssh-ed25519 AAAA...\"; copy the line in the server's /etc/ssh/ssh_host_ed25519_key.pub";
const URL_MESSAGE =
  "must be the URL of a package repository without a login, such as https://mirror.example.org/packages";
const HOST = "must be a host name or an IP address, such as server.example.org";
const PORT = "must be a whole number from 1 to 65535";
const SIZE = "must be a size in MiB, GiB or TiB, such as 4GiB";
const DISK_SIZE = "must be a size in MiB, GiB or TiB, such as 50GiB, or none";
const CPU = "must be a whole number of cores from 1 to 512 (Elasticsearch and Kibana need one), such as 2";
const LXD_PROJECT = "must be the name of an LXD project, such as default";
const NAMESPACE = "must be at most 100 lower-case letters, digits, _ and ., such as default";
const RETENTION = "must be a whole number from 1 to 3650";

/** One invalid value each: key, value, and the expected problems without the file's name. */
const FAULTS: readonly (readonly [key: string, value: string, ...expected: string[]])[] = [
  [
    "hots",
    "x",
    'hots is not a known key; did you mean "host"? Known keys: access, accounts, bastion, delivery, deliverySecrets, detections, detectionsFolder, dhis2, forward, host, hostKey, kibana, lxdProject, namespace, packages, port, privateKey, retentionDays, siem, site, user, versions, withoutDhis2',
  ],
  [
    "site",
    "",
    "site must be the path of the site's file, from the project's folder, such as containers.json",
  ],
  ["host", "https://dhis2.example.org", `host ${HOST}`],
  ["host", "-oProxyCommand=x", `host ${HOST}`],
  ["user", "a b", "user must be a login name, such as siem"],
  ["port", "0", `port ${PORT}`],
  ["port", "65536", `port ${PORT}`],
  ["port", "ssh", `port ${PORT}`],
  ["port", "22.5", `port ${PORT}`],
  ["port", "", `port ${PORT}`],
  ["hostKey", "", `hostKey ${HOST_KEY}`],
  ["hostKey", "SHA256:abcdef", `hostKey ${HOST_KEY}`],
  ["hostKey", KEY.slice(0, -10), `hostKey ${HOST_KEY}`],
  ["hostKey", PRIVATE, `hostKey ${HOST_KEY}`],
  [
    "hostKey",
    RSA,
    "hostKey must not be an RSA key, which is not supported; copy the line in the server's /etc/ssh/ssh_host_ed25519_key.pub",
  ],
  [
    "privateKey",
    "hunter2",
    "privateKey must be an SSH private key: the whole text of its file, such as ~/.ssh/id_ed25519",
  ],
  [
    "bastion",
    "jump",
    "bastion must be an object; set its keys, such as: pulumi config set --path 'bastion.host' VALUE",
  ],
  ["bastion", `{"host":"jump","user":"me"}`, `bastion.hostKey is missing; it ${HOST_KEY}`],
  [
    "bastion",
    JSON.stringify({ host: "jump", user: "me", hostkey: KEY, hostKey: KEY }),
    'bastion.hostkey is not a known key; did you mean "hostKey"? Known keys: host, hostKey, port, user',
  ],
  [
    "access",
    "direct",
    "siem.allowFrom must be the network of the machine that runs this program, such as [10.8.0.0/24], because access is direct",
  ],
  ...["0.0.0.0/0", "10.0.0.0/8", "10.8.0.1", "::/0", "office"].map(
    (network) =>
      [
        "siem",
        JSON.stringify({ allowFrom: [network] }),
        "siem.allowFrom[0] must be a network of at most 65536 addresses (/16), such as 10.8.0.0/24",
      ] as const,
  ),
  ["access", "tunnel", "access must be one of forward, direct"],
  ["forward", `{"kibanaPort":true}`, `forward.kibanaPort ${PORT}`],
  ["forward", `{"kibanaPort":19200}`, "forward must have two different ports; both are 19200"],
  ["lxdProject", "a b", `lxdProject ${LXD_PROJECT}`],
  ["lxdProject", "--all", `lxdProject ${LXD_PROJECT}`],
  ["namespace", "Prod", `namespace ${NAMESPACE}`],
  ["namespace", "a-b", `namespace ${NAMESPACE}`],
  [
    "siem",
    "4GiB",
    "siem must be an object; set its keys, such as: pulumi config set --path 'siem.image' VALUE",
  ],
  ["siem", `{"memory":"4GB"}`, `siem.memory ${SIZE}`],
  ["siem", `{"memory":4}`, `siem.memory ${SIZE}`],
  ["siem", `{"disk":"50"}`, `siem.disk ${DISK_SIZE}`],
  ["siem", `{"disk":"unlimited"}`, `siem.disk ${DISK_SIZE}`],
  ...["9GiB", "10239MiB", "512MiB"].map(
    (disk) =>
      [
        "siem",
        JSON.stringify({ disk }),
        `siem.disk must be 10GiB or more (4 GiB for the programs and their updates, the rest for logs), such as 50GiB; it is ${disk}`,
      ] as const,
  ),
  ...["0", "0.5", "-1", "513", "50%", "two"].map(
    (cpu) => ["siem", JSON.stringify({ cpu }), `siem.cpu ${CPU}`] as const,
  ),
  ["siem", `{"heap":"1GiB"}`, "siem.heap must be a heap size in m or g, such as 1024m or 2g"],
  ["siem", `{"image":"--help"}`, "siem.image must be an image of LXD, such as ubuntu:24.04"],
  ["siem", `{"protect":"no"}`, "siem.protect must be true or false"],
  [
    "siem",
    `{"mem":"4GiB"}`,
    'siem.mem is not a known key; did you mean "memory"? Known keys: allowFrom, cpu, disk, heap, image, memory, protect',
  ],
  [
    "siem",
    `{"memory":"2GiB"}`,
    "siem.memory must be 2560MiB or more (twice the smallest heap, and 1.5 GiB for other programs), such as 4GiB; it is 2GiB",
  ],
  [
    "siem",
    `{"heap":"2g"}`,
    "siem.heap must fit siem.memory, which is 4GiB; for a heap of 2g it must be 5632MiB or more (twice the heap, and 1.5 GiB for other programs)",
  ],
  ["siem", `{"heap":"256m"}`, "siem.heap must be from 512m to 31g, such as 1024m; it is 256m"],
  [
    "siem",
    `{"memory":"128GiB","heap":"32g"}`,
    "siem.heap must be from 512m to 31g, such as 1024m; it is 32g",
  ],
  ...["latest", "8.19", "8.19.x", "v8.19.8", "8.19.8-SNAPSHOT"].map(
    (version) => ["versions", JSON.stringify({ elastic: version }), `versions.elastic ${ELASTIC}`] as const,
  ),
  ["versions", `{"filebeat":"7.17"}`, `versions.filebeat ${FILEBEAT}`],
  ["versions", `{"elastic":"9.1.0"}`, `versions.elastic ${ELASTIC}`],
  ...["7.16.3", "8.18.8"].map(
    (version) =>
      ["versions", JSON.stringify({ filebeat: version }), `versions.filebeat ${FILEBEAT}`] as const,
  ),
  [
    "versions",
    `{"elastics":"8.19.8"}`,
    'versions.elastics is not a known key; did you mean "elastic"? Known keys: elastic, filebeat',
  ],
  ["packages", `{"url":"ftp://mirror"}`, `packages.url ${URL_MESSAGE}`],
  ["packages", `{"url":"https://me:hunter2@mirror"}`, `packages.url ${URL_MESSAGE}`],
  [
    "packages",
    `{"pip":"https://me:hunter2@mirror/simple"}`,
    "packages.pip must be the URL of a pip index without a login, such as https://pypi.org/simple",
  ],
  [
    "packages",
    `{"key":"D88E42B4"}`,
    "packages.key must be the text of a PGP public key, which begins with -----BEGIN PGP PUBLIC KEY BLOCK-----",
  ],
  [
    "packages",
    `{"fingerprint":"D88E42B4"}`,
    "packages.fingerprint must be a key's full fingerprint of 40 hex digits, such as 46095ACC8548582C1A2699A9D27D666CD88E42B4",
  ],
  [
    "packages",
    `{"trusted":true}`,
    "packages.trusted is not a known key. Known keys: fingerprint, key, pip, url",
  ],
  ["retentionDays", "0", `retentionDays ${RETENTION}`],
  ["retentionDays", "90d", `retentionDays ${RETENTION}`],
  ["retentionDays", "3651", `retentionDays ${RETENTION}`],
  ["accounts", `{"engineer":"yes"}`, "accounts.engineer must be true or false"],
  [
    "accounts",
    `{"enginer":true}`,
    'accounts.enginer is not a known key; did you mean "engineer"? Known keys: engineer',
  ],
  [
    "accounts",
    "true",
    "accounts must be an object; set its keys, such as: pulumi config set --path 'accounts.engineer' VALUE",
  ],
  [
    "detections",
    "off",
    "detections must be an object; set its keys, such as: pulumi config set --path 'detections.NAME.enabled' VALUE",
  ],
  [
    "detections",
    `{"siem_canary":{"treshold":1}}`,
    'detections.siem_canary.treshold is not a known key; did you mean "threshold"? Known keys: enabled, threshold',
  ],
  [
    // The command has no VALUE: every user of the machine could see it among the processes.
    "deliverySecrets",
    "hunter2",
    "deliverySecrets must be an object; set its keys, such as: pulumi config set --secret --path 'deliverySecrets.NAME'",
    "deliverySecrets must be encrypted; set each secret again with: pulumi config set --secret --path 'deliverySecrets.NAME'",
  ],
  [
    "detections",
    `{"fde84b97-804a-4099-bd9d-83b9578b68a5":{"threshold":"0"}}`,
    "detections.fde84b97-804a-4099-bd9d-83b9578b68a5.threshold must be a whole number from 1 to 1000000",
  ],
  [
    "dhis2",
    "hmis",
    "dhis2 must be a list; set its keys, such as: pulumi config set --path 'dhis2[0].name' VALUE",
  ],
  ["dhis2", `[{"name":"hmis"}]`, "dhis2[0].ip is missing; it must be an IPv4 address, such as 192.168.0.2"],
  [
    "dhis2",
    `[{"name":"hmis","ip":"10.0.0.1","type":"dhis2"}]`,
    "dhis2[0].type is not a known key. Known keys: generation, ip, name",
  ],
  [
    "dhis2",
    `[{"name":"hmis","ip":"10.0.0.1","generation":0}]`,
    "dhis2[0].generation must be a whole number from 1 to 999999999",
  ],
  [
    "dhis2",
    `[{"name":"hmis","ip":"10.0.0.1"},{"name":"HMIS","ip":"10.0.0.1"}]`,
    'dhis2[1].name must be unique; "hmis" is already the name of dhis2[0]',
    'dhis2[1].ip must be unique; "10.0.0.1" is already the ip of dhis2[0]',
  ],
  ["withoutDhis2", "yes", "withoutDhis2 must be true or false"],
];

describe("a stack's config", () => {
  for (const [key, value, ...expected] of FAULTS) {
    it(`refuses ${key} ${value.slice(0, 60)}`, () => {
      const lines = expected.map((line) => `Pulumi.prod.yaml: dhis2-siem:${line}`);
      assert.deepEqual(problemsOf({ [key]: value }), lines);
    });
  }

  it("says each key that is missing, and how it is set", () => {
    const result = parseStack({}, () => false, "Pulumi.prod.yaml");
    assert.ok(!result.ok);
    assert.deepEqual(
      result.problems.map(printProblem),
      [
        ["site", "must be the path of the site's file, from the project's folder, such as containers.json"],
        ["host", HOST],
        ["user", "must be a login name, such as siem"],
        ["hostKey", HOST_KEY],
      ].map(
        ([key, requirement]) =>
          `Pulumi.prod.yaml: dhis2-siem:${key} is missing; it ${requirement}; set it with: pulumi config set ${key} VALUE`,
      ),
    );
  });

  it("says everything at once, also what lies between parts", () => {
    assert.deepEqual(
      problemsOf({
        host: "a b",
        siem: `{"memory":"2GiB"}`,
        versions: `{"elastic":"8"}`,
        forward: `{"kibanaPort":"19200"}`,
      }),
      [
        "Pulumi.prod.yaml: dhis2-siem:host must be a host name or an IP address, such as server.example.org",
        "Pulumi.prod.yaml: dhis2-siem:versions.elastic must be an exact version of the 8.19 series, such as 8.19.8",
        "Pulumi.prod.yaml: dhis2-siem:siem.memory must be 2560MiB or more (twice the smallest heap, and 1.5 GiB for other programs), such as 4GiB; it is 2GiB",
        "Pulumi.prod.yaml: dhis2-siem:forward must have two different ports; both are 19200",
      ],
    );
  });

  it("refuses a private key that is not encrypted, without showing it", () => {
    assert.deepEqual(problemsOf({ privateKey: PRIVATE }, []), [
      "Pulumi.prod.yaml: dhis2-siem:privateKey must be encrypted; set it again with: pulumi config set --secret privateKey < FILE",
    ]);
    assert.ok(!problemsOf({ privateKey: "hunter2", hostKey: "x" }, []).join().includes("hunter2"));
  });

  it("has defaults for all but four keys", () => {
    const result = parsed({});
    assert.deepEqual(result, {
      ok: true,
      value: {
        site: "site.json",
        dhis2: [],
        deliverySecrets: {},
        withoutDhis2: false,
        options: {
          host: { host: "dhis2.example.org", port: 22, user: "siem", hostKey: KEY },
          access: "forward",
          forward: { elasticsearchPort: 19200, kibanaPort: 15601 },
          lxdProject: "default",
          namespace: "default",
          siem: {
            image: "ubuntu:24.04",
            memory: "4GiB",
            cpu: 2,
            disk: "50GiB",
            heap: "1280m",
            protect: true,
            allowFrom: [],
          },
          versions: { elastic: "8.19.8", filebeat: "8.19.8" },
          packages: {
            url: "https://artifacts.elastic.co/packages",
            pip: "https://pypi.org/simple",
            fingerprint: "46095ACC8548582C1A2699A9D27D666CD88E42B4",
          },
          retentionDays: 90,
          kibana: { allowFrom: [], allowEveryone: false },
          accounts: { engineer: false },
          detections: {},
          delivery: { via: "relay", destinations: [] },
        },
      },
    });
  });

  it("takes numbers and flags as texts, and brings values to one form", () => {
    const result = parsed({
      port: "2222",
      hostKey: ` ${KEY} root@host\n`,
      privateKey: PRIVATE,
      bastion: JSON.stringify({ host: "jump", port: "2022", user: "me", hostKey: `${KEY} root@jump` }),
      forward: `{"kibanaPort":"5601"}`,
      siem: `{"protect":"false","heap":"1g","cpu":"4","disk":"none"}`,
      packages: JSON.stringify({
        url: "http://10.0.0.1:8080/packages//",
        fingerprint: "4609 5acc 8548 582c 1a26  99a9 d27d 666c d88e 42b4",
      }),
      retentionDays: "30",
      dhis2: `[{"name":"hmis","ip":"10.0.0.1","generation":"2"}]`,
      withoutDhis2: "true",
    });
    assert.ok(result.ok, JSON.stringify(result));
    const { options, privateKey, dhis2, withoutDhis2 } = result.value;
    assert.equal(privateKey, PRIVATE);
    assert.ok(!JSON.stringify(options).includes("PRIVATE"), "the key is in no part of the options");
    const bastion = { host: "jump", port: 2022, user: "me", hostKey: KEY };
    assert.deepEqual(options.host, { ...LEAST_HOST, port: 2222, bastion });
    assert.deepEqual(options.forward, { elasticsearchPort: 19200, kibanaPort: 5601 });
    assert.deepEqual(options.siem, {
      image: "ubuntu:24.04",
      memory: "4GiB",
      cpu: 4,
      heap: "1g",
      protect: false,
      allowFrom: [],
    });
    assert.equal(options.packages.url, "http://10.0.0.1:8080/packages");
    assert.equal(options.packages.fingerprint, "46095ACC8548582C1A2699A9D27D666CD88E42B4");
    assert.equal(options.retentionDays, 30);
    assert.deepEqual([dhis2, withoutDhis2], [[{ name: "hmis", ip: "10.0.0.1", generation: 2 }], true]);
  });
});

const LEAST_HOST = { host: LEAST.host, user: LEAST.user, hostKey: KEY };

describe("the site's part of a stack's config", () => {
  it("is read where the rest is wrong", () => {
    const wrong = {
      port: "x",
      site: "a.json",
      dhis2: `[{"name":"hmis","ip":"10.0.0.1"}]`,
      withoutDhis2: "true",
    };
    const dhis2 = [{ name: "hmis", ip: "10.0.0.1", generation: 1 }];
    assert.deepEqual(readSiteSettings(wrong), { site: "a.json", dhis2, withoutDhis2: true });
    assert.deepEqual(readSiteSettings({}), { site: undefined, dhis2: [], withoutDhis2: false });
  });

  it("does not miss instances where the list of them cannot be read", () => {
    assert.equal(readSiteSettings({ dhis2: "hmis" }).withoutDhis2, true);
    assert.equal(readSiteSettings({ dhis2: `[{"name":"hmis"}]`, withoutDhis2: "false" }).withoutDhis2, true);
    assert.equal(readSiteSettings({ withoutDhis2: "yes" }).withoutDhis2, true);
  });
});
