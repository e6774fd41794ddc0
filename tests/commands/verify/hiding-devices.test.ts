import assert from "node:assert/strict";
import { readInstances } from "../../../commands/site/discover";

describe("LXD's devices that hide the clients' addresses from a container", () => {
  const device = { type: "proxy", listen: "tcp:0.0.0.0:443", connect: "tcp:127.0.0.1:443" };
  const hiding = (devices: Record<string, Record<string, string>>) =>
    readInstances(JSON.stringify([{ name: "proxy", status: "Running", expanded_devices: devices }]))[0]
      ?.hidingDevices;

  it("are its proxy devices from the host, also those of a profile, for each range of ports", () => {
    const http = { ...device, listen: "tcp:[::]:80,443", bind: "host" };
    assert.deepEqual(hiding({ http, https: { ...device, nat: "false" } }), ["http", "https"]);
  });

  for (const [what, change] of [
    ["keep the address by NAT", { nat: "true" }],
    ["tell it by the PROXY protocol", { proxy_protocol: "true" }],
    ["lead out of the container", { bind: "instance" }],
    ["lead out of the container, in older words", { bind: "container" }],
    ["are for UDP", { listen: "udp:0.0.0.0:443" }],
    ["are for a socket", { listen: "unix:/run/x.sock" }],
    ["are network cards", { type: "nic" }],
  ] as const) {
    it(`are not those that ${what}`, () => assert.deepEqual(hiding({ x: { ...device, ...change } }), []));
  }
});
