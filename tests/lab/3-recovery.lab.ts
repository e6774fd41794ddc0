import assert from "node:assert/strict";
import { alertsSince, guessPasswords } from "../../lab/attack";
import { labOutputs } from "../../lab/outputs";
import { LXD_PROJECT } from "../../lab/places";
import { field } from "../../lab/report";
import { run } from "../../lab/shell";
import { changes, updateStack } from "../../lab/up";
import { siteVariant } from "../../lab/variants";

describe("recovery", () => {
  it("makes everything anew after the siem container was deleted by hand, in one update", async () => {
    const before = await labOutputs();
    await run("lxc", ["--project", LXD_PROJECT, "delete", "--force", "siem"]);
    const site = siteVariant("rebuilt", (text) => {
      for (const entry of text.containers) if (entry.name === "siem") entry.generation = 2;
    });
    const result = await updateStack({ site });
    assert.match(changes(result), /replace|create/);
    const outputs = await labOutputs({ site });
    assert.equal(outputs.elasticPassword, before.elasticPassword, "passwords are kept");
    assert.notEqual(outputs.caFingerprint, before.caFingerprint);
    const since = await guessPasswords("admin");
    const alerts = await alertsSince(
      outputs.login,
      outputs.alertIndex,
      since,
      (alert) => field(alert, "dhis2.alert.entity") === "admin",
    );
    assert.ok(alerts.length > 0);
    assert.equal(changes(await updateStack({ site })), "nothing changed");
  });
});
