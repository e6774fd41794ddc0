import { z } from "zod";
import { generation, hostName, ipv4 } from "./containers";
import { issueMessages, printPath, type Problem, type Result } from "./problem";
import type { DhisInstance, Options } from "./site";

/** Elastic's own apt repository and the fingerprint of its signing key. */
const ELASTIC_PACKAGES = {
  url: "https://artifacts.elastic.co/packages",
  fingerprint: "46095ACC8548582C1A2699A9D27D666CD88E42B4",
};

/** Versions that were tried together. */
const VERSIONS = { elastic: "8.19.8", filebeat: "8.19.8" };

const version = (line: RegExp, example: string) =>
  z
    .string()
    .regex(/^\d+\.\d+\.\d+$/, `is no exact version, such as ${example}`)
    .regex(line, `is of no line that is supported; such as ${example}`);

const port = z.coerce.number().int("is no port").min(1, "is no port").max(65535, "is no port");

const hostKey = z
  .string()
  .regex(
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,3}( .*)?$/,
    'is no host key; take the line of /etc/ssh/ssh_host_ed25519_key.pub, such as "ssh-ed25519 AAAA..."',
  )
  .transform((text) => text.split(" ").slice(0, 2).join(" "));

const serverName = z.string().regex(/^[A-Za-z0-9._:-]+$/, "is no host name or address");
const user = z.string().regex(/^[a-z_][a-z0-9_-]*\$?$/i, "is no login name");
const size = z.string().regex(/^[1-9]\d*(MiB|GiB|TiB)$/, "is no size, such as 4GiB");
const heap = z.string().regex(/^[1-9]\d*[mg]$/, "is no heap size, such as 1024m or 2g");
const flag = z.union(
  [z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")],
  "must be true or false",
);

const sshHost = z.strictObject({ host: serverName, port: port.default(22), user, hostKey });

const shape = {
  site: z.string().min(1, "is empty; it must be the path of containers.json"),
  host: serverName,
  port: port.default(22),
  user,
  hostKey,
  privateKey: z.string().optional(),
  bastion: sshHost.optional(),
  access: z.enum(["forward", "direct"]).default("forward"),
  forward: z
    .strictObject({ elasticsearchPort: port.default(19200), kibanaPort: port.default(15601) })
    .default({ elasticsearchPort: 19200, kibanaPort: 15601 }),
  lxdProject: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/, "is no LXD project")
    .default("default"),
  namespace: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_.]{0,99}$/, "is no namespace; use lower-case letters, digits, _ and .")
    .default("default"),
  siem: z
    .strictObject({
      image: z
        .string()
        .regex(/^[A-Za-z0-9._:/-]+$/, "is no image, such as ubuntu:24.04")
        .default("ubuntu:24.04"),
      memory: size.default("4GiB"),
      disk: size.optional(),
      heap: heap.optional(),
      protect: flag.default(true),
    })
    .default({ image: "ubuntu:24.04", memory: "4GiB", protect: true }),
  versions: z
    .strictObject({
      elastic: version(/^8\.(1[89]|[2-9]\d)\./, "8.19.8").default(VERSIONS.elastic),
      filebeat: version(/^(7\.17|8\.\d+)\./, "8.19.8 or 7.17.29").default(VERSIONS.filebeat),
    })
    .default(VERSIONS),
  packages: z
    .strictObject({
      url: z
        .string()
        .regex(
          /^https?:\/\/\S+[^/]$/,
          "is no URL of a repository, such as https://mirror.example.org/packages",
        )
        .default(ELASTIC_PACKAGES.url),
      key: z
        .string()
        .includes("BEGIN PGP PUBLIC KEY BLOCK", { error: "is no armoured public key" })
        .optional(),
      fingerprint: z
        .string()
        .transform((text) => text.replaceAll(" ", "").toUpperCase())
        .pipe(z.string().regex(/^[0-9A-F]{40}$/, "is no full fingerprint of 40 hex digits"))
        .default(ELASTIC_PACKAGES.fingerprint),
    })
    .default(ELASTIC_PACKAGES),
  retentionDays: z.coerce
    .number("must be a number of days")
    .int("must be a whole number of days")
    .min(1, "must be 1 or more")
    .max(3650, "must be 3650 or less")
    .default(90),
  kibana: z
    .strictObject({ allowFrom: z.array(z.cidrv4("is no network, such as 192.168.0.0/24")).default([]) })
    .default({ allowFrom: [] }),
  dhis2: z.array(z.strictObject({ name: hostName, ip: ipv4, generation: generation.default(1) })).default([]),
  withoutDhis2: flag.default(false),
};

/** The stack's config: every key, strict. */
export const stackSchema = z.strictObject(shape);

/** Keys whose values are written as JSON objects or lists. */
const STRUCTURED = new Set(["bastion", "forward", "siem", "versions", "packages", "kibana", "dhis2"]);

export interface StackConfig {
  readonly site: string;
  readonly options: Options;
  readonly privateKey?: string;
  readonly dhis2: readonly DhisInstance[];
  readonly withoutDhis2: boolean;
}

/**
 * The stack's config from its values as Pulumi gives them: all texts, objects as JSON, keys without the namespace.
 * `isSecret` tells which are encrypted; `file` is the name for messages.
 */
export function parseStack(
  values: Readonly<Record<string, string>>,
  isSecret: (key: string) => boolean,
  file: string,
): Result<StackConfig> {
  const problems: Problem[] = [];
  const say = (path: readonly PropertyKey[], message: string) =>
    problems.push({ file, path: configPath(path), message });
  const input: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(values)) {
    if (!STRUCTURED.has(key)) input[key] = text;
    else {
      try {
        input[key] = JSON.parse(text);
      } catch {
        say(
          [key],
          `is no ${key === "dhis2" ? "list" : "object"}; set its parts with --path, such as: pulumi config set --path ${key}.…`,
        );
      }
    }
  }
  const parsed = stackSchema.safeParse(input, { reportInput: true });
  const bad = new Set(problems.map((problem) => problem.path));
  for (const issue of parsed.error?.issues ?? []) {
    for (const { path, message } of issueMessages(issue, knownKeys)) {
      if (!bad.has(configPath(path))) say(path, message);
    }
  }
  if (values.privateKey !== undefined && !isSecret("privateKey")) {
    say(["privateKey"], "is not encrypted; set it again with: pulumi config set --secret privateKey");
  }
  if (!parsed.success) return { ok: false, problems };
  const { data } = parsed;
  const heapSize = data.siem.heap ?? largestHeap(data.siem.memory);
  checkHeap(data.siem.memory, heapSize, (message) =>
    say(["siem", data.siem.heap ? "heap" : "memory"], message),
  );
  if (data.forward.elasticsearchPort === data.forward.kibanaPort)
    say(["forward"], "needs two different ports");
  if (problems.length > 0) return { ok: false, problems };
  const { host, port: sshPort, user: login, hostKey: key, bastion } = data;
  const options: Options = {
    host: { host, port: sshPort, user: login, hostKey: key, ...(bastion ? { bastion } : {}) },
    access: data.access,
    forward: data.forward,
    lxdProject: data.lxdProject,
    namespace: data.namespace,
    siem: { ...data.siem, heap: heapSize },
    versions: data.versions,
    packages: data.packages,
    retentionDays: data.retentionDays,
    kibana: data.kibana,
  };
  const { site, privateKey, dhis2, withoutDhis2 } = data;
  return { ok: true, value: { site, options, ...(privateKey ? { privateKey } : {}), dhis2, withoutDhis2 } };
}

function configPath(path: readonly PropertyKey[]): string {
  return `dhis2-siem:${printPath(path)}`;
}

function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return Object.keys(shape);
  const [key] = path;
  if (key === "dhis2") return ["name", "ip", "generation"];
  const outer: unknown =
    typeof key === "string" && key in shape ? shape[key as keyof typeof shape] : undefined;
  const inner = outer instanceof z.ZodDefault || outer instanceof z.ZodOptional ? outer.unwrap() : outer;
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

const MIB: Record<string, number> = { m: 1, g: 1024, MiB: 1, GiB: 1024, TiB: 1024 * 1024 };

function mebibytes(text: string): number {
  const [, number = "0", unit = ""] = /^(\d+)(\D+)$/.exec(text) ?? [];
  return Number(number) * (MIB[unit] ?? 0);
}

/** What the container needs beside the heap: as much again for Lucene's files, and 1.5 GiB for Kibana and the system. */
function neededMemory(heapSize: string): number {
  return 2 * mebibytes(heapSize) + 1536;
}

/** The largest heap for a container's memory: at most half of what Kibana and the system leave, and 31 GiB (compressed pointers). */
export function largestHeap(memory: string): string {
  const half = Math.floor((mebibytes(memory) - 1536) / 2);
  return `${Math.min(Math.max(half, 512), 31 * 1024)}m`;
}

function checkHeap(memory: string, heapSize: string, say: (message: string) => void): void {
  const needed = neededMemory(heapSize);
  if (mebibytes(heapSize) < 512) say(`a heap of ${heapSize} is too small for Elasticsearch; at least 512m`);
  else if (mebibytes(memory) < needed) {
    say(
      `a container of ${memory} is too small for a heap of ${heapSize}: it needs twice the heap and 1.5 GiB more, so at least ${needed}MiB`,
    );
  }
}
