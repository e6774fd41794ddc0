import assert from "node:assert/strict";
import { main, sendTestAlert, testAlert } from "../../commands/alert";
import type { SendRequest } from "../../commands/verify/server-facts";
import { TEST_RULE_ID } from "../../render/relay";

/** An Elasticsearch whose relay delivers to `delivered`, and fails elsewhere. */
function servers(...delivered: string[]): { send: SendRequest; written: unknown[] } {
  const written: unknown[] = [];
  const send: SendRequest = (method, path, body) => {
    if (method === "POST") {
      written.push([path, body]);
      return Promise.resolve({ status: 201, text: `{"_id":"a1"}` });
    }
    const name = /_doc\/(.*)%3Aa1$/.exec(path)?.[1] ?? "";
    const failed = { alert_sent: false, alert_exception: "ConnectionRefusedError" };
    const _source = delivered.includes(name) ? { alert_sent: true } : failed;
    return Promise.resolve(
      name === "unseen" ? { status: 404, text: "{}" } : { status: 200, text: JSON.stringify({ _source }) },
    );
  };
  return { send, written };
}

describe("a test alert", () => {
  it("is waited for at each destination, and says which lacks it and why", async () => {
    const { send, written } = servers("mail");
    assert.deepEqual(await sendTestAlert(send, "alerts", ["mail", "hook", "unseen"], 0.02), [
      { destination: "mail", delivered: true },
      { destination: "hook", delivered: false, error: "ConnectionRefusedError" },
      { destination: "unseen", delivered: false },
    ]);
    assert.equal(written.length, 1);
    assert.match(JSON.stringify(written), /"\/alerts\/_doc\?refresh=true"/);
    assert.deepEqual(await sendTestAlert(send, "alerts", ["mail"]), [
      { destination: "mail", delivered: true },
    ]);
  });

  it("is marked for the relay and for who reads it", () => {
    const text = JSON.stringify(testAlert(new Date(0)));
    assert.ok(text.includes(`"id":"${TEST_RULE_ID}"`) && text.includes("nothing happened"), text);
  });

  it("is refused by an Elasticsearch that takes nothing", async () => {
    const send: SendRequest = () => Promise.resolve({ status: 403, text: "no" });
    await assert.rejects(sendTestAlert(send, "alerts", ["mail"]), /does not take the alert \(403\): no/);
  });

  it("says how it is used", async () => {
    for (const args of [[], ["test"], ["tset", "prod"], ["test", "prod", "more"]]) {
      const { code, stderr } = await main(args);
      assert.equal(code, 2);
      assert.match(stderr, /^(error: .+\n(.+\n)?u|U)sage: npm run -s alert -- (test )?\[options\] /);
    }
    const { code, stderr } = await main(["test", "prod", "--identty", "key"]);
    assert.match(
      stderr,
      /^error: unknown option '--identty'\n.*\nusage: npm run -s alert -- test \[options\] <stack>\n/,
    );
    assert.equal(code, 2);
  });
});
