import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSite } from "../../config/load";
import { printProblem } from "../../core/problem";

const ALONE = { dhis2: [], withoutDhis2: false };
const TEXT = readFileSync(join(__dirname, "../sites/nginx.json"), "utf8");

/** The example with one text in it replaced by another. */
function edited(from: string, to: string): string {
  assert.ok(TEXT.includes(from), `the example has no ${from}`);
  return TEXT.replace(from, to);
}

function problemsOf(text: string): string[] {
  const result = parseSite("site.json", text, ALONE);
  return result.ok ? [] : result.problems.map(printProblem);
}

const NO_DHIS2 =
  'no DHIS2 instance is listed; add entries of type "dhis2" (npm run -s site -- --discover STACK proposes them), or set dhis2 in the stack\'s config, or withoutDhis2 to true if the site has none';
const TYPES =
  "dhis2, es_siem, postgres12, postgres, munin_monitor, nginx_proxy, apache_proxy, openresty_proxy, journal_logger";
const NO_NAME =
  "is no host name; use letters, digits and hyphens, at most 63, a letter first and no hyphen last";
const ENTRY_KEYS = "directory, generation, guestos_version, ip, name, remote_host, storage, type";
const FREE = "use a free address of 192.168.0.0/24";
const NO_NETWORK = "site.json:5: network: is no network in the form GATEWAY/PREFIX, such as 192.168.0.1/24";

interface Row {
  readonly wrong: string;
  readonly text: string;
  readonly said: readonly string[];
}

const SYNTAX: readonly Row[] = [
  {
    wrong: "an empty file",
    text: " \n",
    said: ["site.json:1: is empty; it must be a JSON object"],
  },
  {
    wrong: "a missing comma, as in dhis2-tools-dab's own sample",
    text: edited('"nginx",', '"nginx"'),
    said: ['site.json:9: is no JSON: a comma is missing before this place, at `"containers": [`'],
  },
  {
    wrong: "a comma too many",
    text: edited('"type": "es_siem" }', '"type": "es_siem" },'),
    said: [
      "site.json:15: is no JSON: a value must stand here (or the comma before a closing bracket is one too many), at `]`",
    ],
  },
  {
    wrong: "a comma too many in an entry",
    text: edited('"type": "es_siem" }', '"type": "es_siem", }'),
    said: [
      "site.json:14: is no JSON: a key in double quotes must stand here (or the comma before a closing brace is one too many), at `}`",
    ],
  },
  {
    wrong: "a missing colon",
    text: edited('"network":', '"network"'),
    said: ['site.json:5: is no JSON: a colon is missing before this place, at `"192.168.0.1/24",`'],
  },
  {
    wrong: "a comment",
    text: edited('  "apm"', '  // none\n  "apm"'),
    said: ["site.json:7: is no JSON: JSON has no comments, at `// none`"],
  },
  {
    wrong: "single quotes",
    text: edited('"nginx"', "'nginx'"),
    said: [
      "site.json:8: is no JSON: this is neither a text in double quotes, nor a number, true, false or null, at `'nginx',`",
    ],
  },
  {
    wrong: "a text that is not closed",
    text: edited('"munin",', '"munin,'),
    said: ['site.json:6: is no JSON: a text is not closed; its double quote is missing, at `"munin,`'],
  },
  {
    wrong: "a file that was cut off",
    text: TEXT.slice(0, TEXT.indexOf("]")),
    said: ["site.json:15: is no JSON: a closing bracket ] is missing"],
  },
  {
    wrong: "something after the object",
    text: `${TEXT}{}`,
    said: ["site.json:17: is no JSON: something follows after the end of the object, at `{}`"],
  },
  {
    wrong: "another value than an object",
    text: "[]",
    said: ["site.json:1: must be an object"],
  },
];

const VALUES: readonly Row[] = [
  {
    wrong: "a wrong type",
    text: edited('"munin"', "5"),
    said: ["site.json:6: monitoring: must be a text"],
  },
  {
    wrong: "entries that are no list",
    text: JSON.stringify({ ...(JSON.parse(TEXT) as object), containers: {} }),
    said: ["site.json:1: containers: must be a list"],
  },
  {
    wrong: "an entry that is no object",
    text: edited('{ "name": "monitor", "ip": "192.168.0.30", "type": "munin_monitor" }', '"monitor"'),
    said: ["site.json:13: containers[3]: must be an object"],
  },
  {
    wrong: "a missing key",
    text: edited('  "email": "admin@example.org",\n', ""),
    said: ["site.json:1: email: is missing; it must be a text"],
  },
  {
    wrong: "a missing key of an entry",
    text: edited(', "type": "postgres"', ""),
    said: [`site.json:12: containers[2].type: is missing; it must be one of ${TYPES}`],
  },
  {
    wrong: "a key that does not exist",
    text: edited('"apm"', '"amp"'),
    said: [
      'site.json:7: amp: there is no such key; did you mean "apm"? There are: apm, containers, email, environment, fqdn, guestos_version, monitoring, network, proxy',
    ],
  },
  {
    wrong: "a key of an entry that does not exist",
    text: edited('"type": "dhis2"', '"type": "dhis2", "guestos_verison": "22.04"'),
    said: [
      `site.json:11: containers[1].guestos_verison: there is no such key; did you mean "guestos_version"? There are: ${ENTRY_KEYS}`,
    ],
  },
  {
    wrong: "a variable of the environment that is not read",
    text: edited('"TZ": "Africa/Accra"', '"TZ": "Africa/Accra", "tz": "UTC"'),
    said: ['site.json:4: environment.tz: there is no such key; did you mean "TZ"? There are: TZ'],
  },
  {
    wrong: "a key that is written twice",
    text: edited('"ip": "192.168.0.20"', '"ip": "192.168.0.20", "ip": "192.168.0.21"'),
    said: ["site.json:12: containers[2].ip: is written twice; keep one of the two"],
  },
  {
    wrong: "a type that does not exist",
    text: edited('"type": "postgres"', '"type": "mysql"'),
    said: [`site.json:12: containers[2].type: must be one of ${TYPES}`],
  },
  ...["-db", "db-", "1db", "my_db", "db.local", "d b", "", "d".repeat(64), "dB\\n"].map((name) => ({
    wrong: `the name "${name}"`,
    text: edited('"postgres"', `"${name}"`),
    said: [`site.json:12: containers[2].name: ${NO_NAME}`],
  })),
  ...["192.168.0.256", "192.168.0", "192.168.0.020", "fd00::2", "postgres", "192.168.0.20/24"].map((ip) => ({
    wrong: `the ip "${ip}"`,
    text: edited('"192.168.0.20"', `"${ip}"`),
    said: ["site.json:12: containers[2].ip: is no IPv4 address, such as 192.168.0.2"],
  })),
  ...["192.168.0.1", "192.168.0.1/33", "192.168.0.300/24", "lxdbr0", "fd00::1/64"].map((network) => ({
    wrong: `the network "${network}"`,
    text: edited("192.168.0.1/24", network),
    said: [NO_NETWORK],
  })),
  ...["192.168.0.1/31", "192.168.0.1/0"].map((network) => ({
    wrong: `the network "${network}"`,
    text: edited("192.168.0.1/24", network),
    said: [
      "site.json:5: network: has a prefix that leaves no network of containers; use one from 8 to 30, such as 192.168.0.1/24",
    ],
  })),
  {
    wrong: "a network without its gateway",
    text: edited("192.168.0.1/24", "192.168.0.0/24"),
    said: [
      "site.json:5: network: 192.168.0.0 is no address for a gateway: it is the network's first or last; write GATEWAY/PREFIX, such as 192.168.0.1/24",
    ],
  },
  ...["Africa/Akra", "GMT+25", "+01:00", "", "dhis2"].map((zone) => ({
    wrong: `the time zone "${zone}"`,
    text: edited("Africa/Accra", zone),
    said: ['site.json:4: environment.TZ: is no time zone, such as "Africa/Accra"'],
  })),
  ...["dhis2", "https://dhis2.example.org", "192.168.0.1", "dhis2..org", "xxx_x.example.org"].map((fqdn) => ({
    wrong: `the fqdn "${fqdn}"`,
    text: edited("dhis2.example.org", fqdn),
    said: ["site.json:2: fqdn: is no full domain name, such as dhis2.example.org"],
  })),
  {
    wrong: "an e-mail address that is none",
    text: edited("admin@example.org", "xxx@xxxx"),
    said: ["site.json:3: email: is no e-mail address, such as admin@example.org"],
  },
  {
    wrong: "another proxy",
    text: edited('"nginx",', '"apache",'),
    said: ["site.json:8: proxy: must be one of nginx, apache2, openresty"],
  },
  ...[
    ["0", "must be 1 or more"],
    ["1.5", "must be a whole number"],
    ['"2"', "must be a number"],
  ].map(([value, message]) => ({
    wrong: `the generation ${value}`,
    text: edited('"type": "postgres"', `"type": "postgres", "generation": ${value}`),
    said: [`site.json:12: containers[2].generation: ${message}`],
  })),
];

const TOGETHER: readonly Row[] = [
  {
    wrong: "a doubled name",
    text: edited('"monitor"', '"Postgres"'),
    said: ['site.json:13: containers[3].name: "Postgres" is already the name of containers[2]'],
  },
  {
    wrong: "a doubled ip",
    text: edited("192.168.0.30", "192.168.0.20"),
    said: ['site.json:13: containers[3].ip: "192.168.0.20" is already the ip of containers[2]'],
  },
  {
    wrong: "an ip outside the network",
    text: edited("192.168.0.20", "192.168.1.20"),
    said: [`site.json:12: containers[2].ip: 192.168.1.20 is outside the network; ${FREE}`],
  },
  {
    wrong: "the gateway's ip",
    text: edited("192.168.0.20", "192.168.0.1"),
    said: [`site.json:12: containers[2].ip: 192.168.0.1 is the network's gateway; ${FREE}`],
  },
  ...["192.168.0.0", "192.168.0.255"].map((ip) => ({
    wrong: `the ip ${ip}`,
    text: edited("192.168.0.20", ip),
    said: [`site.json:12: containers[2].ip: ${ip} is the network's own or its broadcast address; ${FREE}`],
  })),
  {
    wrong: "no es_siem",
    text: edited("es_siem", "postgres"),
    said: [
      'site.json:9: containers: exactly one entry of type es_siem is needed; there is none: add { "name": "siem", "ip": ADDRESS, "type": "es_siem" }, with a free address of the network',
    ],
  },
  {
    wrong: "two es_siem",
    text: edited('"munin_monitor"', '"es_siem"'),
    said: [
      "site.json:9: containers: exactly one entry of type es_siem is needed; there are 2: monitor, siem",
    ],
  },
  {
    wrong: "no proxy",
    text: edited("nginx_proxy", "postgres"),
    said: [
      "site.json:9: containers: exactly one entry of type nginx_proxy, apache_proxy or openresty_proxy is needed; there is none",
    ],
  },
  {
    wrong: "two proxies",
    text: edited('"munin_monitor"', '"apache_proxy"'),
    said: [
      "site.json:9: containers: exactly one entry of type nginx_proxy, apache_proxy or openresty_proxy is needed; there are 2: proxy, monitor",
    ],
  },
  {
    wrong: "a proxy that disagrees with its container",
    text: edited('"nginx",', '"apache2",'),
    said: [
      'site.json:8: proxy: is "apache2", but the proxy container "proxy" is of type nginx_proxy; it should be "nginx", or the container of the other type',
    ],
  },
  {
    wrong: "the same the other way round",
    text: edited("nginx_proxy", "apache_proxy"),
    said: [
      'site.json:8: proxy: is "nginx", but the proxy container "proxy" is of type apache_proxy; it should be "apache2", or the container of the other type',
    ],
  },
  {
    wrong: "a container on another host",
    text: edited('"type": "postgres"', '"type": "postgres", "remote_host": "second"'),
    said: [
      "site.json:12: containers[2].remote_host: containers on another host are not yet supported; take the entry out, or run a stack for that host",
    ],
  },
  {
    wrong: "no DHIS2 instance",
    text: edited('"type": "dhis2"', '"type": "postgres"'),
    said: [`site.json:9: containers: ${NO_DHIS2}`],
  },
  {
    wrong: "no entry at all",
    text: edited(TEXT.slice(TEXT.indexOf("["), TEXT.indexOf("]") + 1), "[]"),
    said: [
      'site.json:9: containers: exactly one entry of type es_siem is needed; there is none: add { "name": "siem", "ip": ADDRESS, "type": "es_siem" }, with a free address of the network',
      "site.json:9: containers: exactly one entry of type nginx_proxy, apache_proxy or openresty_proxy is needed; there is none",
      `site.json:9: containers: ${NO_DHIS2}`,
    ],
  },
  {
    wrong: "several things at once",
    text: edited("Africa/Accra", "Accra")
      .replace("192.168.0.30", "192.168.0.20")
      .replace('"nginx",', '"apache2",')
      .replace('"type": "es_siem"', '"typ": "es_siem"'),
    said: [
      'site.json:4: environment.TZ: is no time zone, such as "Africa/Accra"',
      'site.json:8: proxy: is "apache2", but the proxy container "proxy" is of type nginx_proxy; it should be "nginx", or the container of the other type',
      'site.json:13: containers[3].ip: "192.168.0.20" is already the ip of containers[2]',
      `site.json:14: containers[4].type: is missing; it must be one of ${TYPES}`,
      `site.json:14: containers[4].typ: there is no such key; did you mean "type"? There are: ${ENTRY_KEYS}`,
    ],
  },
];

describe("containers.json", () => {
  for (const [title, rows] of Object.entries({ SYNTAX, VALUES, TOGETHER })) {
    describe(`refuses, ${title.toLowerCase()}:`, () => {
      for (const { wrong, text, said } of rows) {
        it(wrong, () => assert.deepEqual(problemsOf(text), said));
      }
    });
  }

  it("accepts a byte order mark and Windows line ends", () => {
    assert.deepEqual(problemsOf(`\uFEFF${TEXT.replaceAll("\n", "\r\n")}`), []);
    const wrong = problemsOf(`\uFEFF${edited('"munin"', "5").replaceAll("\n", "\r\n")}`);
    assert.deepEqual(wrong, ["site.json:6: monitoring: must be a text"]);
  });
});
