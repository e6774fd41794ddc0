import { loadDashboards } from "../dashboards";
import { describeDashboard } from "../dashboards/describe";

// `npm run -s dashboards`: every dashboard as text, for the docs.
try {
  process.stdout.write(loadDashboards().map(describeDashboard).join("\n"));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
