/** Pieces of the scripts that read what vendors' programs print. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
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
import { quote } from "../../render/bundle";
import type { ScriptName } from "../../scripts";
import { movedScripts } from "../support/scripts";

describe("a piece of a script", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dhis2-siem-pieces-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs some bash after lib.sh and other scripts, with /run, /etc and the state in the test's folder. */
  function run(scripts: readonly ScriptName[], bash: string) {
    const moved = movedScripts(folder, "lib", ...scripts)
      .replaceAll("/var/lib/filebeat", `${folder}/filebeat`)
      .replaceAll("/etc/apt/", `${folder}/apt/`)
      .replaceAll("/etc/kibana", `${folder}/kibana`)
      .replaceAll("/etc/postgresql/", `${folder}/clusters/`);
    return spawnSync("bash", ["-c", `set -euo pipefail\n${moved}\nRETRY=""\n${bash}`], { encoding: "utf8" });
  }

  describe("has_delivered (key.sh)", () => {
    const asked = (stats: object) =>
      run(
        ["key"],
        `curl() { printf %s ${quote(JSON.stringify(stats, undefined, 2))}; }; has_delivered && echo yes || echo no`,
      ).stdout;
    const pipeline = { events: { active: 3, total: 9 }, queue: { acked: 7 } };

    it("reads the statistics of Filebeat 7.17", () => {
      const output = (acked: number) => ({
        events: { acked, active: 0 },
        read: { bytes: 5 },
        type: "elasticsearch",
      });
      assert.equal(asked({ libbeat: { output: output(57), pipeline } }), "yes\n");
      assert.equal(asked({ libbeat: { output: output(0), pipeline } }), "no\n");
    });

    it("reads those of 8.19, which count batches before the events", () => {
      const output = (acked: number) => ({ batches: { split: 0 }, events: { acked, active: 0 } });
      assert.equal(asked({ libbeat: { output: output(57), pipeline } }), "yes\n");
      assert.equal(asked({ libbeat: { output: output(0), pipeline } }), "no\n");
    });
  });

  describe("cannot_read_journal (key.sh)", () => {
    // As journalctl of systemd 241 answers to an argument that it does not know.
    const OLD = `journalctl() { [[ " $* " != *" all "* ]] || { echo "Failed to add match 'all'" >&2; return 1; }; }`;
    const blind = (version: string, journalctl: string) =>
      run(
        ["key"],
        `dpkg-query() { printf ${version}; }; ${journalctl}; cannot_read_journal && echo yes || echo no`,
      ).stdout;

    it("is Filebeat 8.19 where journalctl does not know all boots, and no other", () => {
      assert.equal(blind("8.19.8", OLD), "yes\n");
      assert.equal(blind("7.17.29", OLD), "no\n");
      assert.equal(blind("8.19.8", "journalctl() { :; }"), "no\n");
    });
  });

  describe("nginx's logs (sources/nginx/logging.sh)", () => {
    const kept = (...files: [name: string, text: string][]) => {
      const dump = files
        .map(([name, text]) => `# configuration file /etc/nginx/${name}:\n${text}`)
        .join("\n");
      const { stdout, stderr } = run(
        ["sources/nginx/logging"],
        `nginx() { echo "configure arguments: --error-log-path=/e.log --http-log-path=/a.log" >&2; }
        nginx_logs <<<${quote(dump)} >"$WORK/nginx-logs"; nginx_default_logs; grep -E '^([2-9]|site) ' "$WORK/nginx-logs" || true`,
      );
      assert.equal(stderr, "");
      return stdout.trim().split("\n");
    };
    const ours = ["conf.d/50-dhis2-siem.conf", "access_log syslog:server=unix:/dev/log combined;"] as [
      string,
      string,
    ];
    const server = "server {\n  listen 80;\n}";

    it("are left where http names both, as on Debian and Ubuntu", () => {
      const main =
        "http {\n\taccess_log /var/log/nginx/access.log;\n\terror_log /var/log/nginx/error.log;\n}";
      assert.deepEqual(kept(["nginx.conf", `events {\n}\n${main}`], ours), [""]);
    });

    it("are named beside ours where http names none, as with dhis2-tools-dab", () => {
      const main = `error_log /var/log/nginx/error.log info;\nhttp {\n  # access_log none;\n  ${server}\n}`;
      assert.deepEqual(kept(["nginx.conf", main], ours), [
        "access_log /a.log combined;",
        "error_log /var/log/nginx/error.log info;",
      ]);
      assert.deepEqual(kept(["nginx.conf", `http {\n${server}\n}`]), [
        "access_log /a.log combined;",
        "error_log /e.log;",
      ]);
    });

    it("are told from those of a server, in any file", () => {
      const http = "http {\n  access_log /x;\n  error_log /y;\n";
      const own = "server {\n  access_log /var/log/nginx/perf.log performance;\n}";
      const said = ["2 access_log /var/log/nginx/perf.log performance"];
      assert.deepEqual(kept(["nginx.conf", `${http}${own}\n}`]), said);
      assert.deepEqual(kept(["nginx.conf", `${http}}`], ["sites-enabled/default", own]), said);
    });

    it("are the site's in the server that reads upstream/, and no other's", () => {
      const http = "http {\n  access_log /x;\n  error_log /y;\n";
      const upstreams = "upstream dhis {\n  server 192.168.0.10:8080;\n}";
      const other = "server {\n  access_log /other;\n  location / {\n    access_log off;\n  }\n}";
      const site =
        "server\n{\n  access_log /var/log/nginx/perf.log performance;\n  location /x {\n    access_log off;\n  }\n  error_log /e;\n  include /etc/nginx/upstream/*.conf;\n}";
      assert.deepEqual(kept(["nginx.conf", `${http}${upstreams}\n${other}\n${site}\n}`]), [
        "3 access_log off",
        "2 access_log /other",
        "3 access_log off",
        "site access_log /var/log/nginx/perf.log performance",
        "site error_log /e",
      ]);
      const reads = "server {\n  include upstream/*.conf;\n}";
      const ours: [string, string] = ["upstream/dhis2-siem.conf", "access_log syslog:server=unix:/dev/log;"];
      assert.deepEqual(kept(["nginx.conf", `${http}${reads}\n}`], ours), [""]);
      assert.deepEqual(kept(["nginx.conf", `${http}${reads}\n}`], ["upstream/x.conf", "access_log /z;"]), [
        "site access_log /z",
      ]);
    });
  });

  describe("Elasticsearch's unit (elastic.sh)", () => {
    /** Its step, in a container where everything but systemd is in place and as it was. */
    const step = (systemctl: string) =>
      run(
        ["request", "elastic"],
        `install() { :; }; getent() { :; }; chgrp() { :; }; ls() { echo data; }
        file_elasticsearch_yml() { :; }; file_heap_options() { :; }; elastic_package() { :; }; install_certificates() { :; }
        put_file() { echo "file $1"; cat; }; changed() { return 1; }; wait_until() { :; }
        journalctl() { echo "the journal's end"; }; systemctl() { ${systemctl}; }; ELASTIC_VERSION=8.19.8; set_up_elasticsearch`,
      );

    it("starts it again after a crash, and is read before that", () => {
      const { stdout, status } = step('echo "systemctl $*"');
      assert.equal(status, 0);
      const [, unit, read] =
        /file \/etc\/systemd\/system\/(.*)\n# Written.*\n\[Service\]\nRestart=on-failure\nRestartSec=30s\n(.*)\n/.exec(
          stdout,
        ) ?? [];
      assert.deepEqual(
        [unit, read],
        ["elasticsearch.service.d/50-dhis2-siem.conf", "systemctl daemon-reload"],
      );
    });

    it("lets the password before go, once the cluster has the new one", () => {
      mkdirSync(join(folder, "state/secrets"), { recursive: true });
      for (const name of ["elastic", "elastic.previous"])
        writeFileSync(join(folder, "state/secrets", name), "x");
      assert.equal(step(":").status, 0);
      assert.deepEqual(readdirSync(join(folder, "state/secrets")), ["elastic"]);
    });

    it("does not hide a start that fails", () => {
      const { stderr, status } = step('[ "$1" != is-active ] && [ "$1" != restart ]');
      assert.equal(status, 1);
      assert.match(stderr, /the journal's end\nsiem: error: elasticsearch does not start; the lines above/);
    });
  });

  describe("Kibana's folder (elastic.sh)", () => {
    /** Its step from a folder that Kibana may write to, up to the keystore's first secret; says what the folder's mode is at each. */
    const modes = () => {
      const { stdout, stderr, status } = run(
        ["request", "elastic"],
        `mode() { echo "$1 $(stat -c %a "${folder}/kibana")"; }; elastic_package() { :; }; put_file() { :; }; file_kibana_yml() { :; }
        install() { command install -d -m "$3" "${folder}/kibana"; echo "install \${*: 4}" >&2; }
        run_as() { mode "$3"; umask >>"${folder}/umask"; touch "${folder}/kibana/kibana.keystore"; } >&3
        install_certificates() { mode certificates; }; set_keystore_entry() { mode secret; exit; }
        exec 3>&1; ELASTIC_VERSION=8.19.8; mkdir -p "${folder}/kibana"; chmod 2770 "${folder}/kibana"; set_up_kibana`,
      );
      assert.equal(status, 0, stderr);
      for (const line of stderr.trim().split("\n"))
        assert.match(line, /^install -o root -g kibana \S+\/kibana$/);
      return stdout.trim().split("\n");
    };

    it("is Kibana's to read alone, before certificates go into it", () => {
      const closed = ["certificates 2750", "secret 2750"];
      assert.deepEqual(modes(), ["create 2770", ...closed]);
      assert.equal(readFileSync(join(folder, "umask"), "utf8"), "0007\n");
      assert.deepEqual(modes(), closed, "the keystore is there");
    });
  });

  describe("the packages' repository (packages.sh)", () => {
    const lists = () => mkdirSync(join(folder, "apt/sources.list.d"), { recursive: true });
    const list = (name: string) => join(folder, "apt/sources.list.d", name);

    it("puts another list of it aside, and back when it goes", () => {
      lists();
      const theirs =
        "deb [signed-by=/usr/share/keyrings/x.gpg] https://packages.example.org/packages/8.x/apt stable main\n";
      writeFileSync(list("elastic-8.x.list"), theirs);
      writeFileSync(list("debian.sources"), "URIs: https://deb.example.org\n");
      const { stderr } = run(
        ["packages"],
        "PACKAGES_URL=https://packages.example.org/packages; disable_other_lists 8",
      );
      assert.match(stderr, /elastic-8\.x\.list names Elastic's packages too/);
      assert.ok(!existsSync(list("elastic-8.x.list")) && existsSync(list("debian.sources")));
      assert.equal(readFileSync(list("elastic-8.x.list.dhis2-siem.disabled"), "utf8"), theirs);
      run(["packages"], "remove_elastic_repository");
      assert.equal(readFileSync(list("elastic-8.x.list"), "utf8"), theirs);
    });

    it("is written in every run, with nothing fetched where there is nothing to install", () => {
      lists();
      const source = list("dhis2-siem-elastic.list");
      const step = (url: string, bash = "") =>
        run(
          ["packages"],
          `need_packages() { :; }; chown() { :; }; apt-mark() { :; }; dpkg-query() { printf 'installed 8.19.8'; }
          fetched() { echo "$1" >>"${folder}/fetched"; return 1; }; apt-get() { fetched apt-get; }; curl() { fetched curl; }
          export GNUPGHOME="${folder}/gnupg"; mkdir -p -m 0700 "$GNUPGHOME"
          [ -n "$(ls "$GNUPGHOME")" ] || gpg --batch --quiet --passphrase '' --quick-generate-key one ed25519 sign never 2>/dev/null
          PACKAGES_URL=${url}; PACKAGES_FINGERPRINT=$(gpg --batch --with-colons --list-keys 2>/dev/null | awk -F: '$1 == "fpr" { print $10; exit }')
          file_packages_key() { gpg --batch --armor --export one; }; ${bash}
          elastic_package filebeat 8.19.8; gpgconf --kill gpg-agent`,
        );
      const line = (url: string) =>
        `deb [signed-by=${folder}/apt/keyrings/dhis2-siem-elastic.gpg] ${url}/8.x/apt stable main\n`;
      const [first, second] = ["https://one.example.org/packages", "https://two.example.org/packages"];
      assert.equal(step(first).stderr, "");
      assert.equal(readFileSync(source, "utf8"), line(first));
      writeFileSync(source, `# ${line(first)} # disabled on upgrade to noble\n`);
      writeFileSync(list("theirs.list"), `deb ${first}/8.x/apt stable main\n`);
      assert.match(step(first).stderr, /theirs\.list names Elastic's packages too/);
      assert.equal(readFileSync(source, "utf8"), line(first));
      assert.equal(step(second).stderr, "");
      assert.equal(readFileSync(source, "utf8"), line(second));

      // Without a key in the config, the one that was fetched stays; it is fetched where it is another, or gone.
      const none = "file_packages_key() { :; }";
      assert.equal(step(second, none).stderr, "");
      assert.ok(!existsSync(join(folder, "fetched")));
      assert.match(
        step(second, `${none}; PACKAGES_FINGERPRINT=0`).stderr,
        /the signing key cannot be fetched/,
      );
      rmSync(join(folder, "apt/keyrings/dhis2-siem-elastic.gpg"));
      assert.match(step(second, none).stderr, /the signing key cannot be fetched/);
      assert.equal(readFileSync(join(folder, "fetched"), "utf8"), "curl\ncurl\n");
    });

    it("has its key fetched anew where something is to be installed: it may have been renewed", () => {
      lists();
      mkdirSync(join(folder, "apt/keyrings"));
      writeFileSync(join(folder, "apt/keyrings/dhis2-siem-elastic.gpg"), "old");
      const { stderr } = run(
        ["packages"],
        `need_packages() { :; }; dpkg-query() { printf 'installed 8.19.7'; }; dpkg() { false; }; file_packages_key() { :; }
        fingerprints() { echo right; }; curl() { echo "asked for the key" >&2; return 1; }
        PACKAGES_URL=https://one.example.org/packages; PACKAGES_FINGERPRINT=right; elastic_package filebeat 8.19.8`,
      );
      assert.match(stderr, /^asked for the key\n/);
    });

    it("takes the key that is meant, and no file with a second one", () => {
      lists();
      const check = (keys: string, more = ":") =>
        run(
          ["packages"],
          `need_packages() { :; }; export GNUPGHOME="$WORK"
          for name in one two; do gpg --batch --quiet --passphrase '' --quick-generate-key "$name" ed25519 sign never 2>/dev/null; done
          PACKAGES_URL=https://packages.example.org/packages
          PACKAGES_FINGERPRINT=$(gpg --batch --with-colons --list-keys one 2>/dev/null | awk -F: '$1 == "fpr" { print $10; exit }')
          file_packages_key() { gpg --batch --armor --export ${keys}; ${more}; }; chown() { :; }
          elastic_repository 8; gpgconf --kill gpg-agent`,
        );
      assert.equal(check("one").status, 0);
      assert.match(check("two").stderr, /has the fingerprint [0-9A-F]{40}, the stack's config says/);
      assert.match(
        check("one two").stderr,
        /has the fingerprint [0-9A-F]{40} and [0-9A-F]{40}, the stack's config/,
      );
      const { stderr } = check("one", "gpg --batch --armor --passphrase '' --export-secret-keys two");
      assert.match(stderr, /has the fingerprint [0-9A-F]{40} and [0-9A-F]{40}, the stack's config/);
    });
  });

  it("gives PostgreSQL its settings as root's file: its folder is PostgreSQL's own, and may lead elsewhere (postgresql/logging.sh)", () => {
    const cluster = join(folder, "clusters/15/main");
    mkdirSync(cluster, { recursive: true });
    writeFileSync(join(cluster, "postgresql.conf"), "include_dir = 'conf.d'\n");
    mkdirSync(join(folder, "tmpfiles.d"));
    symlinkSync(join(folder, "tmpfiles.d"), join(cluster, "conf.d"));
    const { stdout, stderr } = run(
      ["sources/postgresql/logging"],
      `chown() { echo "$1"; }; systemctl() { :; }; CONTAINER_TYPE=postgres; file_postgresql_logging() { echo x; }
      postgresql_logging_apply`,
    );
    assert.equal(stderr, "");
    assert.equal(stdout, "root:root\n");
  });

  it("makes Filebeat's marker once; with a new one Filebeat begins anew (agent.sh)", () => {
    const [marker, meta] = [join(folder, "state/filebeat-marker"), join(folder, "filebeat/meta.json")];
    for (const name of ["state", "filebeat"]) mkdirSync(join(folder, name));
    const mark = () => {
      writeFileSync(meta, "{}");
      assert.equal(run(["agent"], "create_filebeat_marker").stderr, "");
      return readFileSync(marker, "utf8");
    };
    const first = mark();
    assert.match(first, /^[0-9a-f-]{36}$/, "and no end of a line in it");
    assert.ok(!existsSync(meta));
    assert.equal(mark(), first);
    assert.ok(existsSync(meta), "it knows its files, and goes on");
    writeFileSync(marker, "");
    assert.notEqual(mark(), first);
    assert.ok(!existsSync(meta));
  });

  it("puts a file in a link's place, and leaves alone what the link leads to (lib.sh)", () => {
    writeFileSync(join(folder, "victim"), "same\n", { mode: 0o600 });
    symlinkSync(join(folder, "victim"), join(folder, "f"));
    const put = `put_file ${folder}/f 0644 "$(id -un)" < <(echo same); changed ${folder}/f && echo changed`;
    assert.equal(run([], put).stdout, "changed\n");
    assert.equal(
      run([], `stat -c '%a %F' ${folder}/victim ${folder}/f`).stdout,
      "600 regular file\n644 regular file\n",
    );
  });
});
