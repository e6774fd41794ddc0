import { sourcesOf } from "../../../machines";
import type { Finding } from "../finding";
import { type Check, inContainer, raiseGeneration } from "./context";

/** Kibana can be reached through the site's proxy: the file is in place, and the way leads to Kibana. */
export const proxy: Check = ({ site, options, state, facts }) => {
  const { name } = site.proxy;
  const finding = { check: "proxy", subject: name };
  const problem = (text: string, fix = raiseGeneration(name)): Finding[] => [
    { ...finding, severity: "problem", text, fix },
  ];
  const server = sourcesOf(site.proxy.type)[0]?.proxy;
  const path = Object.keys(state.containers[name]?.files ?? {}).find((file) => file === server?.locationPath);
  const inside = facts.containers[name];
  if (path !== undefined && inside !== undefined && inside.files[path] === undefined) {
    return problem(`Kibana's location is gone: there is no ${path}`);
  }
  if (!facts.proxy.ok) {
    const unit = server?.unit ?? site.proxy.program;
    return problem(
      `the proxy gives no answer: ${facts.proxy.error}`,
      inContainer(options, name, `systemctl status ${unit}`),
    );
  }
  const status = facts.proxy.value;
  switch (status) {
    // Without a login Kibana says little, or 401; both come from Kibana itself.
    case 200:
    case 401:
      return [{ ...finding, severity: "ok", text: "Kibana answers through the site's proxy" }];
    case 403:
      return [{ ...finding, severity: "ok", text: "the location is there, and closed to the host" }];
    case 502:
    case 503:
    case 504:
      return problem(`the proxy cannot reach Kibana (${status})`, "see the finding about Kibana itself");
    default:
      return problem(`the proxy answers ${status} where Kibana should be`);
  }
};
