import type { ProbeResult } from "../facts";
import type { Finding } from "../finding";
import {
  type Check,
  type Context,
  DAY,
  ifAnswered,
  inContainer,
  findingsOrOk,
  raiseGeneration,
  formatDuration,
} from "./context";

function server(
  { site, options, facts }: Context,
  name: string,
  unit: string,
  answer: ProbeResult<{ version: string; level?: string }>,
): Finding[] {
  const finding = { check: unit, subject: site.siem.name };
  const state = facts.containers[site.siem.name]?.units[unit];
  const start = inContainer(options, site.siem.name, `systemctl restart ${unit}`);
  if (state !== undefined && state !== "active") {
    return [{ ...finding, severity: "problem", text: `${name} is down (${unit} is ${state})`, fix: start }];
  }
  if (!answer.ok) {
    return [
      { ...finding, severity: "problem", text: `${name} gives no good answer: ${answer.error}`, fix: start },
    ];
  }
  const { version, level = "available" } = answer.value;
  if (level !== "available") {
    const fix = inContainer(options, site.siem.name, `journalctl -u ${unit} -n 20`);
    return [{ ...finding, severity: "problem", text: `${name} says that it is ${level}`, fix }];
  }
  // Elastic's packages restart nothing.
  if (
    version !== options.versions.elastic &&
    facts.containers[site.siem.name]?.packages[unit]?.version !== version
  ) {
    const text = `${name} ${version} answers, and another version is installed: it was not restarted since`;
    return [{ ...finding, severity: "warning", text, fix: start }];
  }
  return [{ ...finding, severity: "ok", text: `${name} ${version} answers` }];
}

/** Elasticsearch runs, and takes the stack's own login. */
export const elasticsearch: Check = (context) =>
  server(context, "Elasticsearch", "elasticsearch", context.facts.elasticsearch);

/** Kibana runs, and says that it is available. */
export const kibana: Check = (context) => server(context, "Kibana", "kibana", context.facts.kibana);

/** A key's name without the number of its period (core/names.ts). */
const baseName = (name: string) => name.replace(/\.\d+$/, "");
const periodOf = (name: string) => Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);

/** How many days before a key's end a warning becomes due, then another, and then a problem. */
const KEY_WARNINGS = [60, 30, 7];

/**
 * The stack's keys (agents', the relay's, the SIEM's own) are valid for more than 60 days, and nobody else has a key. Of a key's
 * two resources the newer one is in use (components/api-key.ts).
 */
export const keys: Check = ({ state, facts }) =>
  ifAnswered("keys", "Elasticsearch", facts.elasticsearch, ({ keys: found }) => {
    const inUse = state.keys.filter(
      ({ name }) =>
        !state.keys.some(
          (other) => baseName(other.name) === baseName(name) && periodOf(other.name) > periodOf(name),
        ),
    );
    const revoked = inUse.flatMap(({ urn, id, name, container }): Finding[] => {
      const key = found.find((one) => one.id === id);
      if (key && !key.invalidated) return endOf(key, container, facts.now);
      const text = `the API key ${name} (${id}) is ${key ? "revoked" : "not there"}: what uses it is refused`;
      const fix = `pulumi up --replace '${urn}'`;
      return [{ check: "keys", severity: "problem", subject: container, text, fix }];
    });
    const used = new Set(state.keys.map(({ id }) => id));
    const unused = found
      .filter(({ id, invalidated }) => !invalidated && !used.has(id))
      .map(({ id, name }): Finding => ({
        check: "keys",
        severity: "warning",
        subject: name,
        text: `nothing of the stack uses the API key ${id}: somebody else may`,
        fix: `in Kibana's console: DELETE /_security/api_key {"ids":["${id}"]}`,
      }));
    return findingsOrOk("keys", [...revoked, ...unused], "all", `${inUse.length} keys, valid and in use`);
  });

/** What is wrong with a valid key's end: `up` renews keys when at least 200 days are left, so this is a stack without updates. */
function endOf(
  { name, expiration }: { name: string; expiration?: number },
  subject: string,
  now: number,
): Finding[] {
  if (expiration === undefined) {
    const text = `the API key ${name} has no end`;
    return [{ check: "keys", severity: "warning", subject, text, fix: "pulumi up" }];
  }
  const left = expiration - now;
  const due = KEY_WARNINGS.filter((days) => left < days * DAY).at(-1);
  if (due === undefined) return [];
  const text = `the API key ${name} ends in ${formatDuration(Math.max(left, 0))}, less than ${due} days: what uses it is refused then`;
  return [{ check: "keys", severity: due === 7 ? "problem" : "warning", subject, text, fix: "pulumi up" }];
}

/** Certificates end in more than thirty days. */
export const certificates: Check = ({ site, facts }) => {
  const found = Object.entries(facts.containers[site.siem.name]?.certificates ?? {});
  const wrong = found.flatMap(([path, ends]): Finding[] => {
    const left = (ends ?? 0) - facts.now;
    if (left >= 30 * DAY) return [];
    const fix = path.endsWith("/ca.crt")
      ? `take /var/lib/dhis2-siem/tls in ${site.siem.name} away, then ${raiseGeneration(site.siem.name)}`
      : raiseGeneration(site.siem.name);
    const finding = { check: "certificates", subject: path, fix };
    if (ends === undefined) return [{ ...finding, severity: "problem", text: "cannot be read" }];
    if (left <= 0)
      return [
        { ...finding, severity: "problem", text: `ended ${new Date(ends).toISOString().slice(0, 10)}` },
      ];
    return [{ ...finding, severity: "warning", text: `ends in ${formatDuration(left)}` }];
  });
  const first = Math.min(...found.map(([, ends]) => ends ?? 0));
  return found.length === 0
    ? []
    : findingsOrOk(
        "certificates",
        wrong,
        site.siem.name,
        `the first ends in ${formatDuration(first - facts.now)}`,
      );
};

/** Our template makes the log stream's next index: it was not outbid by another. What is there is kept as long. */
export const template: Check = ({ state, facts }) =>
  ifAnswered("template", "Elasticsearch", facts.elasticsearch, ({ template: found, retention }) => {
    const ours = state.template;
    const fix = "pulumi refresh --run-program --skip-preview, then: pulumi up";
    const finding = { check: "template", subject: state.dataStream, severity: "problem", fix } as const;
    if (ours === undefined)
      return [{ ...finding, text: "the stack has no template for it", fix: "pulumi up" }];
    if (found.losers.includes(ours.name) || found.pipeline !== ours.pipeline) {
      const text = `another index template wins over ours: its pipeline is "${found.pipeline || "none"}", not "${ours.pipeline}"`;
      return [
        {
          ...finding,
          text,
          fix: `in Kibana's console: POST /_index_template/_simulate_index/${state.dataStream} shows which; lower its priority, or else ${fix}`,
        },
      ];
    }
    if (found.retention !== ours.retention) {
      const text = `its lines are kept for ${found.retention || "ever"}, not for ${ours.retention}`;
      return [{ ...finding, text }];
    }
    if (retention !== undefined && retention !== ours.retention) {
      const text = `the lines that are there are kept for ${retention || "ever"}, not for ${ours.retention}`;
      return [{ ...finding, text, fix: `pulumi up --replace '${state.streamStep}'` }];
    }
    return [
      {
        check: "template",
        severity: "ok",
        subject: state.dataStream,
        text: `our template wins: kept for ${ours.retention}`,
      },
    ];
  });
