import assert from "node:assert/strict";
import { renderNginxLocation } from "../../sources/nginx";

describe("Kibana's location in nginx", () => {
  it("takes no request whose line would be too long for a datagram, and so be lost", () => {
    const text = renderNginxLocation({
      path: "/siem",
      address: "10.0.3.200:5601",
      certificateName: "siem",
      allowFrom: [],
    });
    const kilobytes = Number(/^large_client_header_buffers \d+ (\d+)k;$/m.exec(text)?.[1]);
    // Of the link, the user, the Referer and the User-Agent each byte may become "\xFF"; a kilobyte for the rest of the line.
    assert.ok(4 * 4 * kilobytes + 1 < 208, `${kilobytes}k`);
  });
});
