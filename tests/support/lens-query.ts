import type { Json } from "../../core/json";
import { onlyLayer, type Lens } from "./panels";

interface Answer extends Json {
  readonly doc_count: number;
}

/** What each column says. */
export type Row = Readonly<Record<string, string | number>>;

/** A chart's columns as Elasticsearch aggregates them, and how to read its rows from the answer. */
export interface LensQuery {
  readonly aggs: object;
  /** Each combination of the buckets' keys with its numbers, by column; without buckets one row. */
  readonly rows: (answer: Answer) => Row[];
}

/**
 * The aggregations that Lens makes of a chart's columns: each bucketed column within the one before it, the numbers in
 * the last. `interval` is that of its bars, which Lens chooses by the time that is shown.
 */
export function lensQuery(chart: Lens, interval: string): LensQuery {
  const [, layer] = onlyLayer(chart);
  const columns = layer.columnOrder.map((id) => {
    const column = layer.columns[id];
    if (column === undefined) throw new Error(`${chart.title}: no column ${id}`);
    return { id, ...column };
  });
  const buckets = columns.filter(({ isBucketed }) => isBucketed);
  const numbers = columns.filter(({ isBucketed }) => !isBucketed);

  const order = (columnId: string | undefined) => {
    const by = numbers.find(({ id }) => id === columnId);
    if (by === undefined) throw new Error(`${chart.title}: orders by ${columnId}, which is no number of it`);
    return by.operationType === "count" ? "_count" : by.id;
  };
  const bucket = ({ operationType, sourceField: field, params }: (typeof columns)[number]): Json => {
    if (operationType === "date_histogram") {
      return { date_histogram: { field, fixed_interval: interval, min_doc_count: 0 } };
    }
    return { terms: { field, size: params.size, order: { [order(params.orderBy?.columnId)]: "desc" } } };
  };
  const metrics = Object.fromEntries(
    numbers
      .filter(({ operationType }) => operationType === "unique_count")
      .map(({ id, sourceField }) => [id, { cardinality: { field: sourceField } }]),
  );
  const aggs = buckets.reduceRight<Json>(
    (inner, column) => ({ [column.id]: { ...bucket(column), aggs: inner } }),
    metrics,
  );

  const read = (answer: Answer, [first, ...rest]: typeof buckets): Row[] => {
    if (first === undefined) {
      const value = ({ id, operationType }: (typeof numbers)[number]) =>
        operationType === "count" ? answer.doc_count : (answer[id] as { value: number }).value;
      return [Object.fromEntries(numbers.map((column) => [column.id, value(column)]))];
    }
    const { buckets: found } = answer[first.id] as { buckets: (Answer & { key: string | number })[] };
    return found.flatMap((one) => read(one, rest).map((row) => ({ [first.id]: one.key, ...row })));
  };
  return { aggs, rows: (answer) => read(answer, buckets) };
}
