import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { alertsOf, ATTACKS, attackSite } from "./attack";
import { bench } from "./bench";
import { benchHostile } from "./bench/hostile";
import { check, DEFAULT_LABS } from "./check";
import { down } from "./down";
import { CACHE } from "../core/cache";
import { errorText } from "../core/errors";
import { LAB_STATE } from "./places";
import { received } from "./receivers";
import { printReport } from "./report";
import { until } from "./shell";
import { labOutputs } from "./outputs";
import { printStatus } from "./status";
import { build, changes, up, updateStack } from "./up";

const USAGE = `usage: npm run lab                       everything: up, an attack, a report
       npm run lab -- up                 the site and its SIEM
       npm run lab -- update             pulumi up alone, its whole output
       npm run lab -- attack             wrong passwords, scans, deletions and more, and the alerts that come of them
       npm run lab -- status [--json]    what is there
       npm run lab -- build              what all labs share, without a lab: packages, image, Pulumi's CLI, Elastic's packages
       npm run lab -- check [SUITE...] [--labs N] [--all] [--json]
                                         the end-to-end test: the suites of tests/lab, on N labs side by side (${DEFAULT_LABS})
       npm run lab -- bench [engine|agents] [--json]   ratios of times (npm run bench)
       npm run lab -- bench:hostile [--short] [--json] floods the site, each figure beside its limit (npm run bench:hostile)
       npm run lab -- down               takes everything away again (the cache stays: ${CACHE})

DHIS2_SIEM_LAB=N, from 1 to 4, names the lab that a command is about: labs do not touch each other. Default: 1.`;

async function attack(): Promise<void> {
  const outputs = await labOutputs();
  console.log("\nAn attack through the site's nginx: four wrong passwords for 'admin', and more ...");
  const since = await attackSite(({ rule }) => console.log(`  ${rule}`));
  console.log("waiting for the alerts (rules run once a minute) ...");
  const rules = ATTACKS.map(({ rule }) => rule);
  const { alerts, missing } = await alertsOf(rules, outputs.login, outputs.alertIndex, since, 180);
  if (missing.length > 0) console.log(`silent, as after every alert for their window: ${missing.join("; ")}`);
  console.log("waiting until it is delivered by mail (gathered for a minute) and to the webhook ...");
  const delivered = await until("the delivery", 180, () => {
    const got = received(since);
    return Promise.resolve(
      ["mail", "webhook"].every((by) => got.some((one) => one.by === by)) ? got : undefined,
    );
  });
  printReport(outputs, alerts, delivered);
}

function checkWith(args: readonly string[]): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { labs: { type: "string" }, all: { type: "boolean" }, json: { type: "boolean" } },
  });
  const { labs = String(DEFAULT_LABS), all = false, json = false } = values;
  if (!/^[1-4]$/.test(labs))
    throw new Error(`--labs must be a number from 1 to 4, such as 2; it is '${labs}'`);
  return check(positionals, { labs: Number(labs), all, json });
}

async function main(args: readonly string[]): Promise<void> {
  const [command = "all"] = args;
  switch (command) {
    case "all":
      await up();
      await attack();
      return;
    case "up":
      return up();
    case "update":
      console.log(
        changes(
          await updateStack(args[1] === "--site" ? { site: args[2] } : {}, (line) => console.log(line)),
        ),
      );
      return;
    case "attack":
      if (!existsSync(join(LAB_STATE, "stack")))
        throw new Error("there is no lab yet: run 'npm run lab -- up' first");
      return attack();
    case "check":
      process.exitCode = (await checkWith(args.slice(1))) ? 0 : 1;
      return;
    case "build":
      return build();
    case "bench":
      return bench(args.slice(1));
    case "bench:hostile":
      process.exitCode = (await benchHostile(args.slice(1))) ? 0 : 1;
      return;
    case "status":
      return printStatus(args.includes("--json"));
    case "down":
      return down();
    default:
      console.error(USAGE);
      process.exitCode = 2;
  }
}

main(process.argv.slice(2)).then(
  // Otherwise the Automation API's server could keep this process alive.
  () => process.exit(process.exitCode ?? 0),
  (error: unknown) => {
    console.error(`\nlab: ${errorText(error)}`);
    process.exit(1);
  },
);
