import { IPv4, IPv6 } from "ipaddr.js";
import { z } from "zod";
import { printable, type ReportProblem } from "../core/problem";
import { flag } from "../core/values";

const NETWORK = "must be a network, such as 203.0.113.0/24 or 2001:db8:1200::/40";
/** The key `kibana` of the stack's config: who may open Kibana. */
export const kibanaSchema = z
  .strictObject({
    /**
     * Networks, IPv4 or IPv6, from which the proxy accepts requests to `/siem`. Default: the site's own. The gateway's address counts
     * only if it is listed by itself, see render/location.ts. Example: `[203.0.113.0/24]`.
     */
    allowFrom: z
      .array(
        z.union([z.cidrv4(), z.cidrv6()], NETWORK),
        "must be a list of networks, such as [203.0.113.0/24]",
      )
      .default([]),
    /** Consent to an `allowFrom` that lets the whole internet in. Default: false. */
    allowEveryone: flag.default(false),
  })
  .prefault({});

type KibanaSetting = z.output<typeof kibanaSchema>;

/** Reports what is wrong with the settings together. `report` gets paths from `kibana` on. */
export function checkKibana({ allowFrom, allowEveryone }: KibanaSetting, report: ReportProblem): void {
  if (!allowEveryone) reportWideNetworks(allowFrom, report);
}

/** From so many addresses on, networks are not those that somebody knows. IPv4: two /8. IPv6: two /16, where the largest providers have a /19. */
const TOO_MANY = { 4: 2n ** 25n, 6: 2n ** 113n } as const;

function reportWideNetworks(networks: readonly string[], report: ReportProblem): void {
  const instead =
    "list the networks that you know, such as [203.0.113.0/24]; or set kibana.allowEveryone to true, if everybody may see Kibana's login page";
  const ranges = networks.map(rangeOf);
  const wide = ranges.map((range) => !isPrivate(range) && sizeOf([range]) >= TOO_MANY[range.family]);
  wide.forEach((isWide, index) => {
    if (!isWide) return;
    report(
      ["allowFrom", index],
      `must not be so large a network (${printable(networks[index] ?? "")}): ${instead}`,
    );
  });
  if (wide.includes(true)) return;
  for (const family of [4, 6] as const) {
    if (sizeOf(ranges.filter((range) => range.family === family && !isPrivate(range))) < TOO_MANY[family])
      continue;
    report(["allowFrom"], `must not be networks that hold a large part of the internet together: ${instead}`);
    return;
  }
}

/** The addresses of a network, as numbers, both ends included. */
interface Range {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** IPv6 networks whose addresses stand for IPv4 addresses, which follow these prefixes: mapped, NAT64, and 6to4. */
const EMBEDDED = ["::ffff:0:0/96", "64:ff9b::/96", "2002::/16"];

/** Returns whether all of a range is private IPv6 (fc00::/7). All of private IPv4 is fewer addresses than TOO_MANY. */
function isPrivate({ family, first, last }: Range): boolean {
  const own = range(6, 0xfcn << 120n, 7);
  return family === 6 && first >= own.first && last <= own.last;
}

function rangeOf(network: string): Range {
  const [address = "", length] = network.split("/");
  const prefix = Number(length);
  if (IPv4.isValid(address)) return range(4, numberOf(IPv4.parse(address).toByteArray()), prefix);
  const ip = IPv6.parse(address);
  const number = numberOf(ip.toByteArray());
  for (const embedded of EMBEDDED) {
    const [outer, outerLength] = IPv6.parseCIDR(embedded);
    if (prefix < outerLength || !ip.match(outer, outerLength)) continue;
    const bits = Math.min(prefix - outerLength, 32);
    return range(4, (number >> BigInt(128 - outerLength - 32)) & 0xffff_ffffn, bits);
  }
  return range(6, number, prefix);
}

function range(family: 4 | 6, number: bigint, prefix: number): Range {
  const hostBits = BigInt((family === 4 ? 32 : 128) - prefix);
  const first = (number >> hostBits) << hostBits;
  return { family, first, last: first + (1n << hostBits) - 1n };
}

function numberOf(bytes: readonly number[]): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) + BigInt(byte), 0n);
}

/** Returns how many addresses the ranges hold together. Each address counts once. */
function sizeOf(ranges: readonly Range[]): bigint {
  let size = 0n;
  let next = -1n;
  for (const { first, last } of [...ranges].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    if (last < next) continue;
    size += last - (first < next ? next : first) + 1n;
    next = last + 1n;
  }
  return size;
}
