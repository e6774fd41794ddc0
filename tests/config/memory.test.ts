/** The limits of the SIEM's container. */
import assert from "node:assert/strict";
import { readSiemSettings } from "../../config/load";
import { diskFault, heapFault, largestHeap } from "../../config/memory";

describe("the disk", () => {
  it("is just large enough, or not limited", () => {
    for (const disk of ["10GiB", "10240MiB", "1TiB"])
      assert.equal(readSiemSettings({ siem: JSON.stringify({ disk }) })?.disk, disk);
    assert.ok(!("disk" in (readSiemSettings({ siem: `{"disk":"none"}` }) ?? {})));
    assert.equal(diskFault("10GiB"), undefined);
    assert.match(diskFault("10239MiB") ?? "", /must be 10GiB or more/);
  });
});

describe("the heap", () => {
  it("is derived from the container's memory", () => {
    const sizes = { "1GiB": "512m", "3GiB": "768m", "4GiB": "1280m", "8GiB": "3328m", "1TiB": "31744m" };
    for (const [memory, heap] of Object.entries(sizes)) assert.equal(largestHeap(memory), heap, memory);
    assert.equal(readSiemSettings({ siem: `{"memory":"8GiB"}` })?.heap, "3328m");
    assert.equal(readSiemSettings({ siem: `{"memory":8}` }), undefined);
  });

  it("fits exactly, and not one MiB less", () => {
    assert.equal(heapFault("2560MiB", "512m"), undefined);
    assert.match(heapFault("2559MiB", "512m") ?? "", /it must be 2560MiB or more/);
    assert.equal(heapFault("3584MiB", "1g"), undefined);
    assert.equal(heapFault("64GiB", "31g"), undefined);
  });
});
