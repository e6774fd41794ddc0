/** The import of saved objects: dashboards and the saved searches in them. */
import type { Context } from "hono";
import type { Imported, Kibana } from "./kibana";
import { check, refuse, savedObject } from "./schemas";

/** A dashboard's attributes, as Kibana's type lists them. */
const ATTRIBUTES =
  "title description kibanaSavedObjectMeta timeRestore timeFrom timeTo refreshInterval controlGroupInput panelsJSON optionsJSON hits version";

const keyOf = ({ type, id }: { type: string; id: string }) => `${type}/${id}`;

/** Returns why an object cannot be created; undefined if it can. `known` contains the keys of the objects that it may refer to. */
function problem({ type, references, attributes }: Imported, known: Set<string>): object | undefined {
  if (!["dashboard", "search"].includes(type)) return { type: "unsupported_type" };
  // The real Kibana checks no other references.
  const checked = references.filter((to) => ["index-pattern", "search"].includes(to.type));
  const missing = checked.filter((to) => !known.has(keyOf(to))).map(({ type, id }) => ({ type, id }));
  if (missing.length > 0) return { type: "missing_references", references: missing };
  const unknown = Object.keys(attributes).find((key) => !ATTRIBUTES.split(" ").includes(key));
  if (type !== "dashboard" || unknown === undefined) return undefined;
  const message = `[attributes.${unknown}]: definition for this key is missing`;
  return { type: "unknown", statusCode: 400, message };
}

/**
 * Imports an NDJSON file. Like Kibana, it imports nothing if one object cannot be created, although `successCount` counts the
 * others.
 */
export async function importFile({ saved }: Kibana, c: Context): Promise<Response> {
  const { file } = await c.req.parseBody();
  if (!(file instanceof Blob) || c.req.query("overwrite") !== "true")
    return refuse(400, "the lab's stand-in for Kibana imports a file, and overwrites what is there");
  const lines = (await file.text()).split("\n").filter((line) => line.trim());
  const wanted = lines.map((line) => check(savedObject, JSON.parse(line), "[file."));
  const views = Object.keys(saved["index-pattern"]).map((id) => `index-pattern/${id}`);
  const known = new Set([...views, ...Object.keys(saved.imported), ...wanted.map(keyOf)]);
  const results = wanted.map((it) => ({ type: it.type, id: it.id, error: problem(it, known) }));
  const errors = results.filter(({ error }) => error);
  const successResults = results.filter(({ error }) => !error);
  const counted = { successCount: successResults.length, successResults, warnings: [] };
  if (errors.length > 0) return c.json({ success: false, ...counted, errors });
  for (const object of wanted) saved.imported[keyOf(object)] = object;
  return c.json({ success: true, ...counted });
}
