import { randomUUID } from "node:crypto";
import { extname } from "node:path";
import { dashboardAttributes, dataViewCreate, dataViewUpdate } from "./schemas";
import type { SavedObject, Store } from "./store";
import { check, checkRequest, isObject, type Json, Refusal } from "./words";

const viewKey = (id: string) => `index-pattern:${id}`;

/** A data view as the API shows it, with Kibana's defaults; imported ones have JSON in texts. */
function showDataView({ id, attributes }: SavedObject): Json {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const spec = Object.fromEntries(
    given.map(([key, value]) =>
      typeof value === "string" && /^[[{]/.test(value) && key !== "title" && key !== "name"
        ? [key, JSON.parse(value) as unknown]
        : [key, value],
    ),
  );
  const empty = {
    sourceFilters: [],
    typeMeta: {},
    fields: {},
    fieldFormats: {},
    fieldAttrs: {},
    runtimeFieldMap: {},
  };
  const defaults = { name: spec.title, allowNoIndex: false, allowHidden: false };
  return { ...empty, ...defaults, ...spec, id, version: "WzEsMV0=", namespaces: ["default"] };
}

export function getDataView(store: Store, id: string): Json {
  const found = store.state.objects[viewKey(id)];
  if (!found) throw new Refusal(404, `Saved object [index-pattern/${id}] not found`);
  return { data_view: showDataView(found) };
}

export const listDataViews = (store: Store): SavedObject[] =>
  Object.values(store.state.objects).filter(({ type }) => type === "index-pattern");

export function createDataView(store: Store, body: unknown): Json {
  const { data_view: view, override } = checkRequest(dataViewCreate, body, "request body");
  const { id = randomUUID(), ...attributes } = view;
  const name = view.name ?? view.title;
  const same = listDataViews(store).find((other) => showDataView(other).name === name);
  if (same && !override) throw new Refusal(400, `Duplicate data view: ${name}`);
  if (!override && store.state.objects[viewKey(id)])
    throw new Refusal(409, `Saved object [index-pattern/${id}] conflict`);
  if (same) delete store.state.objects[viewKey(same.id)];
  store.state.objects[viewKey(id)] = { type: "index-pattern", id, attributes, references: [] };
  store.save();
  return getDataView(store, id);
}

export function updateDataView(store: Store, id: string, body: unknown): Json {
  getDataView(store, id);
  const { data_view: changes } = checkRequest(dataViewUpdate, body, "request body");
  const object = store.state.objects[viewKey(id)] as SavedObject;
  object.attributes = { ...object.attributes, ...changes };
  store.save();
  return getDataView(store, id);
}

export function deleteDataView(store: Store, id: string): void {
  getDataView(store, id);
  delete store.state.objects[viewKey(id)];
  store.save();
}

/** The newest version of each kind of document that Kibana 8.19 knows. */
const knownVersions: Record<string, string> = {
  dashboard: "10.2.0",
  lens: "8.9.0",
  search: "8.0.0",
  "index-pattern": "8.0.0",
  visualization: "8.5.0",
  tag: "8.0.0",
};

const newer = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true }) > 0;

function parseLines(text: string): SavedObject[] {
  const lines = text.split("\n").filter((line) => line.trim());
  try {
    const objects = lines.map((line) => JSON.parse(line) as unknown).filter(isObject);
    return objects
      .filter((object) => !("exportedCount" in object))
      .map((object) => ({ references: [], attributes: {}, ...object }) as unknown as SavedObject);
  } catch (error) {
    throw new Refusal(400, (error as Error).message);
  }
}

/**
 * Imports saved objects as Kibana does: with one missing reference, conflict or unknown type nothing is created at all,
 * though `successCount` counts the others.
 */
export function importObjects(store: Store, fileName: string, text: string, overwrite: boolean): Json {
  const extension = extname(fileName).toLowerCase();
  if (extension !== ".ndjson") throw new Refusal(400, `Invalid file extension ${extension}`);
  const objects = parseLines(text);
  const key = ({ type, id }: { type: string; id: string }) => `${type}:${id}`;
  const present = new Set([...Object.keys(store.state.objects), ...objects.map(key)]);
  const problem = (object: SavedObject): Json | undefined => {
    const known = Object.hasOwn(knownVersions, object.type) ? knownVersions[object.type] : undefined;
    if (!known) return { type: "unsupported_type" };
    const version = object.typeMigrationVersion;
    if (typeof version === "string" && newer(version, known))
      throw new Refusal(
        422,
        `Document "${object.id}" belongs to a more recent version of Kibana [${version}] when the last known version is [${known}].`,
      );
    const missing = object.references.filter(
      (reference) => /^(index-pattern|search)$/.test(reference.type) && !present.has(key(reference)),
    );
    if (missing.length)
      return { type: "missing_references", references: missing.map(({ type, id }) => ({ type, id })) };
    if (!overwrite && store.state.objects[key(object)]) return { type: "conflict" };
    if (object.type !== "dashboard") return undefined;
    try {
      check(dashboardAttributes, object.attributes, "attributes");
    } catch (error) {
      return { type: "unknown", statusCode: 400, error: "Bad Request", message: (error as Error).message };
    }
    return undefined;
  };
  const results = objects.map((object) => {
    const error = problem(object);
    const meta = { title: object.attributes.title, icon: `${object.type}App` };
    const replaced = Boolean(store.state.objects[key(object)]);
    const { type, id } = object;
    return {
      type,
      id,
      meta,
      ...(error ? { error } : { managed: false }),
      ...(replaced && overwrite && { overwrite }),
    };
  });
  const errors = results.filter((result) => "error" in result);
  const successes = results.filter((result) => !("error" in result));
  if (errors.length === 0) {
    for (const object of objects) store.state.objects[key(object)] = object;
    store.save();
  }
  return {
    successCount: successes.length,
    success: errors.length === 0,
    warnings: [],
    ...(successes.length && { successResults: successes }),
    ...(errors.length && { errors }),
  };
}
