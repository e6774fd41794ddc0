import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSite } from "../../config/load";
import { printProblem } from "../../core/problem";

const ALONE = { dhis2: [], withoutDhis2: false };
const TEXT = readFileSync(join(__dirname, "../sites/nginx.json"), "utf8");

/** Returns the example with a text replaced by another. */
function edited(from: string, to: string): string {
  assert.ok(TEXT.includes(from), `the example has no ${from}`);
  return TEXT.replace(from, to);
}

function problemsOf(text: string): string[] {
  const result = parseSite("site.json", text, ALONE);
  return result.ok ? [] : result.problems.map(printProblem);
}

const DHIS2_MESSAGE =
  "must have an entry of type dhis2: add the DHIS2 instances (npm run -s site -- --discover STACK proposes entries), or set dhis2 in the stack's config, or set withoutDhis2 to true if the site has no DHIS2";
const TYPES =
  "dhis2, es_siem, postgres12, postgres, munin_monitor, nginx_proxy, apache_proxy, openresty_proxy, journal_logger";
const NAME_MESSAGE =
  "must be a host name of letters, digits and hyphens, such as dhis-2 (63 at most, first a letter, last no hyphen)";
const ENTRY_KEYS = "directory, generation, guestos_version, ip, name, remote_host, storage, type";
const FREE = "must be a free address of 192.168.0.0/24;";
const NETWORK_MESSAGE =
  "site.json:5: network must be the gateway's address and the network's prefix, such as 192.168.0.1/24";

interface Row {
  readonly wrong: string;
  readonly text: string;
  readonly expected: readonly string[];
}

const SYNTAX: readonly Row[] = [
  {
    wrong: "an empty file",
    text: " \n",
    expected: ["site.json:1: the file is empty; it must be a JSON object"],
  },
  {
    wrong: "a missing comma, as in dhis2-tools-dab's own sample",
    text: edited('"nginx",', '"nginx"'),
    expected: [
      'site.json:9: the file must be valid JSON: a comma is missing before this place, at `"containers": [`',
    ],
  },
  {
    wrong: "a comma too many",
    text: edited('"type": "es_siem" }', '"type": "es_siem" },'),
    expected: [
      "site.json:15: the file must be valid JSON: a value is missing here, or the comma before a closing bracket must be removed, at `]`",
    ],
  },
  {
    wrong: "a comma too many in an entry",
    text: edited('"type": "es_siem" }', '"type": "es_siem", }'),
    expected: [
      "site.json:14: the file must be valid JSON: a key in double quotes is missing here, or the comma before a closing brace must be removed, at `}`",
    ],
  },
  {
    wrong: "a missing colon",
    text: edited('"network":', '"network"'),
    expected: [
      'site.json:5: the file must be valid JSON: a colon is missing before this place, at `"192.168.0.1/24",`',
    ],
  },
  {
    wrong: "a comment",
    text: edited('  "apm"', '  // none\n  "apm"'),
    expected: ["site.json:7: the file must be valid JSON: comments are not allowed, at `// none`"],
  },
  {
    wrong: "single quotes",
    text: edited('"nginx"', "'nginx'"),
    expected: [
      "site.json:8: the file must be valid JSON: this must be a string in double quotes, a number, true, false or null, at `'nginx',`",
    ],
  },
  {
    wrong: "a text that is not closed",
    text: edited('"munin",', '"munin,'),
    expected: [
      'site.json:6: the file must be valid JSON: a string is not closed: its double quote is missing, at `"munin,`',
    ],
  },
  {
    wrong: "a file that was cut off",
    text: TEXT.slice(0, TEXT.indexOf("]")),
    expected: ["site.json:15: the file must be valid JSON: a closing bracket ] is missing"],
  },
  {
    wrong: "something after the object",
    text: `${TEXT}{}`,
    expected: [
      "site.json:17: the file must be valid JSON: text follows after the end of the object, at `{}`",
    ],
  },
  {
    wrong: "another value than an object",
    text: "[]",
    expected: ["site.json:1: the file must be an object"],
  },
];

const VALUES: readonly Row[] = [
  {
    wrong: "a wrong type",
    text: edited('"munin"', "5"),
    expected: ["site.json:6: monitoring must be the name of a monitoring program, such as munin"],
  },
  {
    wrong: "entries that are no list",
    text: JSON.stringify({ ...(JSON.parse(TEXT) as object), containers: {} }),
    expected: ["site.json:1: containers must be a list"],
  },
  {
    wrong: "an entry that is no object",
    text: edited('{ "name": "monitor", "ip": "192.168.0.30", "type": "munin_monitor" }', '"monitor"'),
    expected: ["site.json:13: containers[3] must be an object"],
  },
  {
    wrong: "a missing key",
    text: edited('  "email": "admin@example.org",\n', ""),
    expected: ["site.json:1: email is missing; it must be an e-mail address, such as admin@example.org"],
  },
  {
    wrong: "a missing key of an entry",
    text: edited(', "type": "postgres"', ""),
    expected: [`site.json:12: containers[2].type is missing; it must be one of ${TYPES}`],
  },
  {
    wrong: "a key that does not exist",
    text: edited('"apm"', '"amp"'),
    expected: [
      'site.json:7: amp is not a known key; did you mean "apm"? Known keys: apm, containers, email, environment, fqdn, guestos_version, monitoring, network, proxy',
    ],
  },
  {
    wrong: "a key of an entry that does not exist",
    text: edited('"type": "dhis2"', '"type": "dhis2", "guestos_verison": "22.04"'),
    expected: [
      `site.json:11: containers[1].guestos_verison is not a known key; did you mean "guestos_version"? Known keys: ${ENTRY_KEYS}`,
    ],
  },
  {
    wrong: "a variable of the environment that is not read",
    text: edited('"TZ": "Africa/Accra"', '"TZ": "Africa/Accra", "tz": "UTC"'),
    expected: ['site.json:4: environment.tz is not a known key; did you mean "TZ"? Known keys: TZ'],
  },
  {
    wrong: "a key that is written twice",
    text: edited('"ip": "192.168.0.20"', '"ip": "192.168.0.20", "ip": "192.168.0.21"'),
    expected: ["site.json:12: containers[2].ip must occur only once; remove one of the two"],
  },
  {
    wrong: "a type that does not exist",
    text: edited('"type": "postgres"', '"type": "mysql"'),
    expected: [`site.json:12: containers[2].type must be one of ${TYPES}`],
  },
  ...["-db", "db-", "1db", "my_db", "db.local", "d b", "", "d".repeat(64), "dB\\n"].map((name) => ({
    wrong: `the name "${name}"`,
    text: edited('"postgres"', `"${name}"`),
    expected: [`site.json:12: containers[2].name ${NAME_MESSAGE}`],
  })),
  ...["192.168.0.256", "192.168.0", "192.168.0.020", "fd00::2", "postgres", "192.168.0.20/24"].map((ip) => ({
    wrong: `the ip "${ip}"`,
    text: edited('"192.168.0.20"', `"${ip}"`),
    expected: ["site.json:12: containers[2].ip must be an IPv4 address, such as 192.168.0.2"],
  })),
  ...["192.168.0.1", "192.168.0.1/33", "192.168.0.300/24", "lxdbr0", "fd00::1/64"].map((network) => ({
    wrong: `the network "${network}"`,
    text: edited("192.168.0.1/24", network),
    expected: [NETWORK_MESSAGE],
  })),
  ...["192.168.0.1/31", "192.168.0.1/0"].map((network) => ({
    wrong: `the network "${network}"`,
    text: edited("192.168.0.1/24", network),
    expected: ["site.json:5: network must have a prefix from 8 to 30, such as 192.168.0.1/24"],
  })),
  {
    wrong: "a network without its gateway",
    text: edited("192.168.0.1/24", "192.168.0.0/24"),
    expected: [
      "site.json:5: network must be the gateway's address and the network's prefix, such as 192.168.0.1/24; 192.168.0.0 is the network's first or last address, which no machine can have",
    ],
  },
  ...["Africa/Akra", "GMT+25", "+01:00", "", "dhis2"].map((zone) => ({
    wrong: `the time zone "${zone}"`,
    text: edited("Africa/Accra", zone),
    expected: ["site.json:4: environment.TZ must be a time zone, such as Africa/Accra"],
  })),
  ...["dhis2", "https://dhis2.example.org", "192.168.0.1", "dhis2..org", "xxx_x.example.org"].map((fqdn) => ({
    wrong: `the fqdn "${fqdn}"`,
    text: edited("dhis2.example.org", fqdn),
    expected: ["site.json:2: fqdn must be a full domain name, such as dhis2.example.org"],
  })),
  {
    wrong: "an e-mail address that is none",
    text: edited("admin@example.org", "xxx@xxxx"),
    expected: ["site.json:3: email must be an e-mail address, such as admin@example.org"],
  },
  {
    wrong: "another proxy",
    text: edited('"nginx",', '"apache",'),
    expected: ['site.json:8: proxy must be one of nginx, apache2, openresty; did you mean "apache2"?'],
  },
  ...[
    ["0", "must be a whole number of 1 or more, such as 2"],
    ["1.5", "must be a whole number of 1 or more, such as 2"],
    ['"2"', "must be a whole number of 1 or more, such as 2"],
  ].map(([value, message]) => ({
    wrong: `the generation ${value}`,
    text: edited('"type": "postgres"', `"type": "postgres", "generation": ${value}`),
    expected: [`site.json:12: containers[2].generation ${message}`],
  })),
];

const TOGETHER: readonly Row[] = [
  {
    wrong: "a doubled name",
    text: edited('"monitor"', '"Postgres"'),
    expected: [
      'site.json:13: containers[3].name must be unique; "Postgres" is already the name of containers[2]',
    ],
  },
  {
    wrong: "a doubled ip",
    text: edited("192.168.0.30", "192.168.0.20"),
    expected: [
      'site.json:13: containers[3].ip must be unique; "192.168.0.20" is already the ip of containers[2]',
    ],
  },
  {
    wrong: "an ip outside the network",
    text: edited("192.168.0.20", "192.168.1.20"),
    expected: [`site.json:12: containers[2].ip ${FREE} 192.168.1.20 is outside the network`],
  },
  {
    wrong: "the gateway's ip",
    text: edited("192.168.0.20", "192.168.0.1"),
    expected: [`site.json:12: containers[2].ip ${FREE} 192.168.0.1 is the network's gateway`],
  },
  ...["192.168.0.0", "192.168.0.255"].map((ip) => ({
    wrong: `the ip ${ip}`,
    text: edited("192.168.0.20", ip),
    expected: [
      `site.json:12: containers[2].ip ${FREE} ${ip} is the network's own address or its broadcast address`,
    ],
  })),
  {
    wrong: "no es_siem",
    text: edited("es_siem", "postgres"),
    expected: [
      'site.json:9: containers must have exactly one entry of type es_siem; it has none: add { "name": "siem", "ip": ADDRESS, "type": "es_siem" } with a free address of the network',
    ],
  },
  {
    wrong: "two es_siem",
    text: edited('"munin_monitor"', '"es_siem"'),
    expected: [
      "site.json:9: containers must have exactly one entry of type es_siem; it has 2: monitor, siem",
    ],
  },
  {
    wrong: "no proxy",
    text: edited("nginx_proxy", "postgres"),
    expected: [
      "site.json:9: containers must have exactly one entry of type nginx_proxy, apache_proxy or openresty_proxy; it has none",
    ],
  },
  {
    wrong: "two proxies",
    text: edited('"munin_monitor"', '"apache_proxy"'),
    expected: [
      "site.json:9: containers must have exactly one entry of type nginx_proxy, apache_proxy or openresty_proxy; it has 2: proxy, monitor",
    ],
  },
  {
    wrong: "a proxy that disagrees with its container",
    text: edited('"nginx",', '"apache2",'),
    expected: [
      'site.json:8: proxy must be "nginx", because the container "proxy" is of type nginx_proxy; it is "apache2". Or change the container\'s type',
    ],
  },
  {
    wrong: "the same the other way round",
    text: edited("nginx_proxy", "apache_proxy"),
    expected: [
      'site.json:8: proxy must be "apache2", because the container "proxy" is of type apache_proxy; it is "nginx". Or change the container\'s type',
    ],
  },
  {
    wrong: "a container on another host",
    text: edited('"type": "postgres"', '"type": "postgres", "remote_host": "second"'),
    expected: [
      "site.json:12: containers[2].remote_host must not be set, because containers of another host are not supported; remove the entry, or run a stack for that host",
    ],
  },
  {
    wrong: "no DHIS2 instance",
    text: edited('"type": "dhis2"', '"type": "postgres"'),
    expected: [`site.json:9: containers ${DHIS2_MESSAGE}`],
  },
  {
    wrong: "no entry at all",
    text: edited(TEXT.slice(TEXT.indexOf("["), TEXT.indexOf("]") + 1), "[]"),
    expected: [
      'site.json:9: containers must have exactly one entry of type es_siem; it has none: add { "name": "siem", "ip": ADDRESS, "type": "es_siem" } with a free address of the network',
      "site.json:9: containers must have exactly one entry of type nginx_proxy, apache_proxy or openresty_proxy; it has none",
      `site.json:9: containers ${DHIS2_MESSAGE}`,
    ],
  },
  {
    wrong: "several things at once",
    text: edited("Africa/Accra", "Accra")
      .replace("192.168.0.30", "192.168.0.20")
      .replace('"nginx",', '"apache2",')
      .replace('"type": "es_siem"', '"typ": "es_siem"'),
    expected: [
      "site.json:4: environment.TZ must be a time zone, such as Africa/Accra",
      'site.json:8: proxy must be "nginx", because the container "proxy" is of type nginx_proxy; it is "apache2". Or change the container\'s type',
      'site.json:13: containers[3].ip must be unique; "192.168.0.20" is already the ip of containers[2]',
      `site.json:14: containers[4].type is missing; it must be one of ${TYPES}`,
      `site.json:14: containers[4].typ is not a known key; did you mean "type"? Known keys: ${ENTRY_KEYS}`,
    ],
  },
];

describe("containers.json", () => {
  for (const [title, rows] of Object.entries({ SYNTAX, VALUES, TOGETHER })) {
    describe(`refuses, ${title.toLowerCase()}:`, () => {
      for (const { wrong, text, expected } of rows) {
        it(wrong, () => assert.deepEqual(problemsOf(text), expected));
      }
    });
  }

  it("accepts a byte order mark and Windows line ends", () => {
    assert.deepEqual(problemsOf(`\uFEFF${TEXT.replaceAll("\n", "\r\n")}`), []);
    const wrong = problemsOf(`\uFEFF${edited('"munin"', "5").replaceAll("\n", "\r\n")}`);
    assert.deepEqual(wrong, [
      "site.json:6: monitoring must be the name of a monitoring program, such as munin",
    ]);
  });
});
