import assert from "node:assert/strict";
import { alertsSince, guessPasswords } from "../../lab/attack";
import { labOutputs, type LabOutputs } from "../../lab/outputs";
import { IMAGE, literal, LXD_PROJECT, SIEM_ADDRESS } from "../../lab/places";
import { field } from "../../lab/report";
import { run } from "../../lab/shell";
import { changes, updateStack } from "../../lab/up";
import { siteVariant } from "../../lab/variants";

describe("a siem container that was deleted by hand", () => {
  let before: LabOutputs;
  it("is named by an update that cannot reach it, and the update ends by itself", async () => {
    before = await labOutputs();
    await run("lxc", ["--project", LXD_PROJECT, "delete", "--force", "siem"]);
    const lines: string[] = [];
    const start = Date.now();
    await assert.rejects(updateStack({}, (line) => lines.push(line)));
    assert.match(
      lines.join("\n"),
      new RegExp(`cannot connect to ${literal(SIEM_ADDRESS)}:9200: (No route to host|no answer)`),
    );
    assert.ok(Date.now() - start < 90_000, "within seconds, with room for a slow machine");
  });

  it("is taken over if it was created again by hand, and gets everything in one update", async () => {
    // Otherwise it would wait for settings on its stdin.
    await run("lxc", ["--project", LXD_PROJECT, "init", IMAGE, "siem"], { input: "" });
    const site = siteVariant("rebuilt", (text) => {
      for (const entry of text.containers) if (entry.name === "siem") entry.generation = 2;
    });
    const lines: string[] = [];
    const result = await updateStack({ site }, (line) => lines.push(line));
    assert.match(changes(result), /replace|create/);
    assert.match(lines.join("\n"), /container siem is there already and is taken over/);
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
