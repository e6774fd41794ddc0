/** What the scripts do to packages and to services that are a site's own. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ScriptName } from "../../scripts";
import { movedScripts } from "../support/scripts";

describe("a step in a container", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-services-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs some bash after lib.sh and other scripts, with /etc, /run, /var/log and the state in the test's folder; systemctl is only told. */
  function run(scripts: readonly ScriptName[], bash: string) {
    const moved = movedScripts(folder, "lib", ...scripts).replaceAll(/\/(etc|var\/log)\//g, `${folder}$&`);
    const stubs = `RETRY=""; chown() { :; }; hostname() { echo c1; }; systemctl() { echo "systemctl $*"; }`;
    const { status, stdout, stderr } = spawnSync(
      "bash",
      ["-c", `set -euo pipefail\n${moved}\n${stubs}\n${bash}`],
      { encoding: "utf8" },
    );
    return { status, said: stderr.trim(), did: stdout.trim().split("\n") };
  }
  const path = (name: string) => join(folder, "etc", name);
  function write(name: string, text: string): void {
    mkdirSync(join(path(name), ".."), { recursive: true });
    writeFileSync(path(name), text);
  }

  describe("installs one of Elastic's packages (packages.sh)", () => {
    const install = (name: string, have: string, version: string) =>
      run(
        ["packages"],
        `dpkg-query() { printf 'installed ${have}'; }; elastic_repository() { :; }; apt-get() { :; }; apt_get() { echo "apt_get $*"; }
        apt-cache() { printf '%s\\n' "${name} | 8.19.7 | x" "${name} | 8.19.8 | x"; }; apt-mark() { echo "apt-mark $*" >&2; }
        dpkg() { case $1 in --compare-versions) command dpkg "$@" ;; *) echo amd64 ;; esac; }
        PACKAGES_URL=https://packages.example.org; elastic_package ${name} ${version}; changed package:${name} && echo changed`,
      );

    it("in exactly that version, held against upgrades, and notes that it is another", () => {
      const { did, said } = install("kibana", "8.19.7", "8.19.8");
      assert.deepEqual(did.slice(1), [
        "apt_get install --allow-change-held-packages kibana=8.19.8",
        "changed",
      ]);
      assert.match(said, /apt-mark hold kibana$/);
    });

    it("never in an older one, which could not read what is there; but for Filebeat", () => {
      const { status, said } = install("elasticsearch", "8.19.9", "8.19.8");
      assert.equal(status, 1);
      assert.match(
        said,
        /elasticsearch 8\.19\.9 is installed in c1, .* must be 8\.19\.9 or newer, not 8\.19\.8$/,
      );
      assert.match(
        install("filebeat", "8.19.9", "8.19.8").did.join(),
        /--allow-downgrades filebeat=8\.19\.8/,
      );
    });

    it("and from nowhere, where a step forgot to say from where", () => {
      const { status, said } = run(
        ["packages"],
        "need_packages() { :; }; file_packages_key() { :; }; elastic_repository 8",
      );
      assert.equal(status, 1);
      assert.match(said, /PACKAGES_URL: unbound variable$/);
    });

    it("and says which there are where that one is not", () => {
      const { status, said } = install("filebeat", "8.19.7", "8.19.6");
      assert.equal(status, 1);
      assert.match(said, /has no filebeat 8\.19\.6 for amd64; it has: 8\.19\.7 8\.19\.8$/);
    });
  });

  describe("lets PostgreSQL log to the journal (postgresql/logging.sh)", () => {
    const conf = "postgresql/15/main/conf.d/50-dhis2-siem.conf";
    const apply = (more = ":") =>
      run(
        ["sources/postgresql/logging"],
        `CONTAINER_TYPE=postgres; file_postgresql_logging() { echo ours; }; ${more}; postgresql_logging_apply`,
      );

    it("in each cluster, with a reload where that is new", () => {
      write("postgresql/15/main/postgresql.conf", "include_dir = 'conf.d'\n");
      const did = ["systemctl is-active -q postgresql", "systemctl reload postgresql"];
      assert.deepEqual(apply(), { status: 0, said: "", did });
      assert.equal(readFileSync(path(conf), "utf8"), "ours\n");
      assert.deepEqual(apply().did, [""]);
    });

    it("and asks nothing of one that is stopped", () => {
      write("postgresql/15/main/postgresql.conf", "include_dir = 'conf.d'\n");
      const { status, did } = apply('systemctl() { echo "systemctl $*"; [ "$1" != is-active ]; }');
      assert.deepEqual([status, did], [0, ["systemctl is-active -q postgresql"]]);
      assert.equal(readFileSync(path(conf), "utf8"), "ours\n");
    });

    it("and fails where it would not, and says what is to be done", () => {
      assert.match(
        apply().said,
        /c1 is of type postgres, but no PostgreSQL cluster is in \S+; create it, or correct the type/,
      );
      write("postgresql/15/main/postgresql.conf", "# include_dir = 'conf.d'\n");
      const { status, said } = apply();
      assert.equal(status, 1);
      assert.match(said, /postgresql\.conf does not read conf\.d; add the line: include_dir = 'conf\.d'$/);
    });
  });

  it("puts nginx's old settings back where it refuses the new ones (nginx/logging.sh)", () => {
    const conf = "nginx/conf.d/50-dhis2-siem.conf";
    write(conf, "old\n");
    const { status, said, did } = run(
      ["sources/nginx/logging"],
      `nginx() { case $1 in -t) echo 'line 1: bad'; return 1 ;; esac; }; file_nginx_logging() { echo new; }; nginx_logging_apply`,
    );
    assert.deepEqual([status, did], [1, [""]]);
    assert.match(
      said,
      /line 1: bad\nsiem: error: 'nginx -t' refuses the new configuration; the old configuration was restored/,
    );
    assert.equal(readFileSync(path(conf), "utf8"), "old\n");
  });

  describe("lets apache2 log to the journal (apache2/logging.sh)", () => {
    const [ENABLED, AVAILABLE] = ["conf-enabled/dhis2-siem.conf", "conf-available/dhis2-siem.conf"].map(
      (name) => `apache2/${name}`,
    ) as [string, string];
    /** `refused`: what the settings hold that apache2 takes for wrong. */
    const apply = (refused = "nothing") =>
      run(
        ["sources/apache2/logging"],
        `apache2ctl() { cat ${path("apache2/conf-enabled")}/*.conf >"$WORK/all" || return 1; ! grep '${refused}' "$WORK/all"; }
        CONTAINER_TYPE=apache_proxy; file_apache2_logging() { echo ours; }; apache2_logging_apply`,
      );
    const there = () =>
      ["conf-enabled", "conf-available"].flatMap((name) => readdirSync(path(`apache2/${name}`)));
    beforeEach(() => {
      write("apache2/conf-enabled/site.conf", "its own\n");
      mkdirSync(path("apache2/conf-available"));
    });

    it("by a file of its own, also in place of the link that it was once, and of one that leads nowhere", () => {
      for (const before of [undefined, "old\n", "dangling"]) {
        if (before !== undefined) {
          rmSync(path(ENABLED));
          symlinkSync("../conf-available/dhis2-siem.conf", path(ENABLED));
          if (before !== "dangling") write(AVAILABLE, before);
        }
        const { status, said, did } = apply();
        assert.deepEqual([status, said, did.at(-1)], [0, "", "systemctl reload apache2"]);
        assert.ok(lstatSync(path(ENABLED)).isFile());
        assert.equal(readFileSync(path(ENABLED), "utf8"), "ours\n");
        assert.deepEqual(there(), ["dhis2-siem.conf", "site.conf"]);
      }
      assert.deepEqual(apply().did, [""], "it is done");
    });

    it("and puts back what was there where apache2 refuses it", () => {
      const refused = /ours\nsiem: error: 'apache2ctl configtest' refuses the new configuration/;
      assert.match(apply("ours").said, refused);
      assert.deepEqual(there(), ["site.conf"]);
      write(AVAILABLE, "old\n");
      symlinkSync("../conf-available/dhis2-siem.conf", path(ENABLED));
      const { status, said, did } = apply("ours");
      assert.match(said, refused);
      assert.deepEqual([status, did], [1, [""]]);
      assert.equal(readFileSync(path(ENABLED), "utf8"), "old\n");
    });

    it("and is not to blame where apache2's settings were broken before", () => {
      const { status, said, did } = apply("own");
      assert.deepEqual([status, did], [1, [""]]);
      assert.equal(
        said,
        "siem: error: apache2's configuration is broken already; 'apache2ctl configtest' in c1 says: its own",
      );
      assert.deepEqual(there(), ["site.conf"]);
    });

    it("no more where the agent goes", () => {
      apply();
      write(AVAILABLE, "old\n");
      assert.equal(
        run(["sources/apache2/logging"], "apache2ctl() { :; }; apache2_logging_delete").did.at(-1),
        "systemctl reload apache2",
      );
      assert.deepEqual(there(), ["site.conf"]);
    });
  });

  it("takes munin-node's log to the journal once, and gives back the line that it had (munin-node/logging.sh)", () => {
    const before = "log_level 4\nlog_file /var/log/munin/munin-node.log\nport 4949\n";
    write("munin/munin-node.conf", before);
    assert.equal(run(["sources/munin-node/logging"], "munin_node_logging_apply").did.length, 1);
    assert.match(readFileSync(path("munin/munin-node.conf"), "utf8"), /^log_file Sys::Syslog$/m);
    assert.deepEqual(run(["sources/munin-node/logging"], "munin_node_logging_apply").did, [""], "it is done");
    run(["sources/munin-node/logging"], "munin_node_logging_delete");
    assert.equal(readFileSync(path("munin/munin-node.conf"), "utf8"), before);
  });

  describe("puts Kibana's location into the proxy (location.sh of nginx and apache2)", () => {
    const apply = (server: "nginx" | "apache2", reads: string, logs = "") =>
      run(
        [`sources/${server}/logging`, `sources/${server}/location`],
        `printf '${logs}' >"$WORK/nginx-logs"; file_nginx_logging() { printf 'access_log a;\\nerror_log e;\\n'; }
        nginx() { [ "$1" = -t ] || echo "${reads}"; }; a2enmod() { :; }; apache2ctl() { [ "$1" = configtest ] || echo "${reads}"; }
        file_ca() { echo PEM; }; file_location() { echo location; }; FQDN=f; ${server}_location_apply`,
      );
    const [NGINX, APACHE] = ["nginx/upstream/dhis2-siem.conf", "apache2/upstream/dhis2-siem"];

    it("of nginx and apache2, and restarts what reads it", () => {
      const nginx = apply("nginx", `# configuration file ${path(NGINX)}:`);
      assert.deepEqual([nginx.status, nginx.did.at(-1)], [0, "systemctl reload nginx"]);
      const apache = apply("apache2", path(APACHE));
      assert.deepEqual([apache.status, apache.did], [0, ["systemctl restart apache2"]]);
    });

    it("with our logs, where the site's server has some of its own, which would win over http's", () => {
      const reads = `# configuration file ${path(NGINX)}:`;
      const put = (logs: string) => {
        apply("nginx", reads, logs);
        return readFileSync(path(NGINX), "utf8");
      };
      assert.equal(put("1 access_log /x\\n2 error_log /other\\n"), "location\n");
      assert.equal(put("site access_log /x\\n"), "location\naccess_log a;\n");
      assert.equal(
        put("site access_log /x\\nsite error_log /y\\n"),
        "location\naccess_log a;\nerror_log e;\n",
      );
    });

    it("and reads it again for another CA alone", () => {
      const reads = `# configuration file ${path(NGINX)}:`;
      apply("nginx", reads);
      writeFileSync(path("nginx/dhis2-siem-ca.crt"), "another\n");
      assert.equal(apply("nginx", reads).did.at(-1), "systemctl reload nginx");
    });

    it("and says so where no server reads it, or another location would win over it", () => {
      assert.match(
        apply("nginx", "other").said,
        /no server of nginx reads .* add 'include upstream\/\*\.conf;'/,
      );
      assert.match(
        apply("apache2", "other").said,
        /no virtual host of apache2 reads .* 'IncludeOptional upstream/,
      );
      write("apache2/upstream/es_siem", "<Location /siem>\n");
      const { status, said } = apply("apache2", path(APACHE));
      assert.equal(status, 1);
      assert.match(said, /upstream\/es_siem in c1 has a <Location \/siem>, which overrides this stack's/);
    });
  });
});
