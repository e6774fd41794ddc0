/** What Kibana would keep in Elasticsearch's system indices. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import type { Alert } from "../../../tools/detections/es-query";
import type { ruleCreate } from "../../../tools/detections/rule";
import { Elasticsearch } from "./elasticsearch";
import { type indexConfig, refuse, type savedObject, type viewUpdate } from "./schemas";
import type { Settings } from "./settings";

export type View = z.output<typeof viewUpdate>["data_view"] & { id: string };
export type SavedObject = z.output<typeof savedObject>;
export interface Connector {
  id: string;
  name: string;
  connector_type_id: string;
  config: z.output<typeof indexConfig>;
}
/** A rule as the API shows it, and what Kibana keeps beside it. */
export interface Rule extends z.output<typeof ruleCreate> {
  id: string;
  revision: number;
  execution_status: { status: string; last_execution_date: string };
  kept: {
    /** The `Authorization` header of its API key: what the rule may do is what the user who saved it last may. */
    auth: string;
    alerts: Record<string, Alert>;
    seenUntil: string | null;
    /** In milliseconds since 1970. */
    nextRun: number;
  };
}

/** The saved objects of one type, by id: one JSON file, replaced whole when they are saved. */
export class Saved<S> extends Map<string, S> {
  constructor(
    readonly type: string,
    private readonly file: string,
  ) {
    super(existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as [string, S][]) : []);
  }

  save(): void {
    writeFileSync(`${this.file}.new`, JSON.stringify([...this]), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }

  /** Throws Kibana's 404 where there is none. */
  find(id: string): S {
    return this.get(id) ?? refuse(404, `Saved object [${this.type}/${id}] not found`);
  }
}

/** A Kibana with these settings, as it left off. */
export function openKibana(settings: Settings, log: (line: string) => void) {
  const saved = <S>(type: string) => new Saved<S>(type, join(settings["path.data"], `${type}.json`));
  return {
    settings,
    log,
    elasticsearch: new Elasticsearch(settings),
    rules: saved<Rule>("alert"),
    connectors: saved<Connector>("action"),
    views: saved<View>("index-pattern"),
    /** Dashboards and searches, by their types and ids. */
    objects: saved<SavedObject>("objects"),
  };
}
export type Kibana = ReturnType<typeof openKibana>;
