import assert from "node:assert/strict";
import { readSiteSettings } from "../../config/load";

describe("the site's part of a stack's config", () => {
  it("is read where the rest is wrong", () => {
    const wrong = {
      port: "x",
      site: "a.json",
      dhis2: `[{"name":"hmis","ip":"10.0.0.1"}]`,
      withoutDhis2: "true",
    };
    const dhis2 = [{ name: "hmis", ip: "10.0.0.1", generation: 1 }];
    assert.deepEqual(readSiteSettings(wrong), { site: "a.json", dhis2, withoutDhis2: true });
    assert.deepEqual(readSiteSettings({}), { site: undefined, dhis2: [], withoutDhis2: false });
  });

  it("does not miss instances where the list of them cannot be read", () => {
    assert.equal(readSiteSettings({ dhis2: "hmis" }).withoutDhis2, true);
    assert.equal(readSiteSettings({ dhis2: `[{"name":"hmis"}]`, withoutDhis2: "false" }).withoutDhis2, true);
    assert.equal(readSiteSettings({ withoutDhis2: "yes" }).withoutDhis2, true);
  });
});
