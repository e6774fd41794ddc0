import { join } from "node:path";
import { nginx, renderNginxLocation, renderNginxLogging } from "../nginx";
import type { Source } from "../source";

const FOLDER = "/usr/local/openresty/nginx/conf";

/**
 * openresty, the third proxy of dhis2-server-tools: nginx with Lua, in its own folders (as in the tasks of that tool, version 1.7).
 * It writes the same lines as nginx, so they become the same documents.
 */
export const openresty: Source = {
  name: "openresty",
  title: "openresty",
  folder: __dirname,
  service: "nginx",
  datasets: ["nginx.access", "nginx.copy", "nginx.error"],
  pipeline: "web",
  lines: {
    identifiers: {
      openresty: {},
      openresty_access: { unit: "openresty.service" },
      openresty_error: { unit: "openresty.service" },
    },
    paths: ["/openresty/"],
  },
  logging: {
    scripts: [...(nginx.logging?.scripts ?? []), join(__dirname, "logging.sh")],
    settings: renderNginxLogging("openresty"),
  },
  proxy: {
    scripts: [...(nginx.proxy?.scripts ?? []), join(__dirname, "location.sh")],
    renderLocation: (location) => renderNginxLocation(location, FOLDER),
    locationPath: `${FOLDER}/conf.d/upstream/dhis2-siem.conf`,
    unit: "openresty",
  },
  installed: { openresty: ["/usr/local/openresty/nginx/sbin/nginx"] },
};
