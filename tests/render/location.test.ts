import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSite } from "../../config/load";
import type { Site } from "../../config/site";
import { renderLocation } from "../../render/location";
import { renderNginxLocation } from "../../sources/nginx";

function readSite(path: string): Site {
  const file = join(__dirname, path);
  const site = parseSite(file, readFileSync(file, "utf8"), { dhis2: [], withoutDhis2: false });
  assert.ok(site.ok);
  return site.value;
}

describe("Kibana's location in nginx", () => {
  it("takes no request whose line would be too long for a datagram, and so be lost", () => {
    const text = renderNginxLocation({
      path: "/siem",
      address: "10.0.3.200:5601",
      certificateName: "siem",
      allowFrom: [],
      denyFrom: [],
    });
    const kilobytes = Number(/^large_client_header_buffers \d+ (\d+)k;$/m.exec(text)?.[1]);
    // Of the link, the user, the Referer and the User-Agent each byte may become "\xFF"; a kilobyte for the rest of the line.
    assert.ok(4 * 4 * kilobytes + 1 < 208, `${kilobytes}k`);
  });
});

describe("who may open Kibana at the proxy", () => {
  const [NGINX, APACHE] = ["nginx", "apache"].map((name) => readSite(`../sites/${name}.json`)) as [
    Site,
    Site,
  ];
  /** The lines of the server's settings that are about access, in order. */
  const access = (site: Site, allowFrom: string[] = [], allowEveryone = false) =>
    renderLocation(site, { allowFrom, allowEveryone })
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => /^(allow|deny|Require)/.test(line));

  it("is by default the site's network without its gateway, which the internet may seem to come from", () => {
    assert.deepEqual(access(NGINX), ["deny 192.168.0.1;", "allow 192.168.0.0/24;", "deny all;"]);
    assert.deepEqual(access(APACHE), ["Require ip 172.19.2.0/24", "Require not ip 172.19.2.1"]);
  });

  it("does not include the gateway because of a larger network", () => {
    for (const network of ["192.168.0.0/16", "192.168.0.0/24", "192.168.0.0/30"])
      assert.deepEqual(access(NGINX, [network]), ["deny 192.168.0.1;", `allow ${network};`, "deny all;"]);
  });

  it("includes the gateway where it is listed by itself, or everybody may come", () => {
    assert.deepEqual(access(NGINX, ["192.168.0.1/32"]), ["allow 192.168.0.1/32;", "deny all;"]);
    assert.deepEqual(access(NGINX, ["0.0.0.0/0"], true), ["allow 0.0.0.0/0;", "deny all;"]);
  });

  it("can be IPv6", () => {
    const office = "2001:db8:1200::/40";
    assert.deepEqual(access(NGINX, [office]), ["deny 192.168.0.1;", `allow ${office};`, "deny all;"]);
    assert.deepEqual(access(APACHE, [office]), [`Require ip ${office}`, "Require not ip 172.19.2.1"]);
  });
});
