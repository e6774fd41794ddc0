const MIB: Readonly<Record<string, number>> = { m: 1, g: 1024, MiB: 1, GiB: 1024, TiB: 1024 * 1024 };

/** What Kibana and the system take beside Elasticsearch, in MiB. */
const BESIDE = 1536;
/** Elasticsearch does not start with less, in MiB. */
const SMALLEST_HEAP = 512;
/** Above it the JVM's pointers no longer compress, in MiB. */
const LARGEST_HEAP = 31 * 1024;

/** MiB of a size in LXD's notation (4GiB) or the JVM's (512m, 2g). */
function mebibytes(text: string): number {
  const [, number = "0", unit = ""] = /^(\d+)(\D+)$/.exec(text) ?? [];
  return Number(number) * (MIB[unit] ?? 0);
}

/**
 * The largest heap that fits into a container's memory (LXD's notation), in the JVM's: what Kibana and the system take
 * comes off, and half of the rest is left for Lucene's files.
 */
export function largestHeap(memory: string): string {
  const half = Math.floor((mebibytes(memory) - BESIDE) / 2);
  return `${Math.min(Math.max(half, SMALLEST_HEAP), LARGEST_HEAP)}m`;
}

/** Why a heap does not go with a container's memory, if so. */
export function heapFault(memory: string, heap: string): string | undefined {
  const size = mebibytes(heap);
  const needed = 2 * size + BESIDE;
  if (size < SMALLEST_HEAP)
    return `a heap of ${heap} is too small for Elasticsearch; use at least ${SMALLEST_HEAP}m`;
  if (size > LARGEST_HEAP)
    return `a heap of ${heap} is too large for the JVM's short pointers; use at most 31g`;
  if (mebibytes(memory) >= needed) return undefined;
  return `a container of ${memory} is too small for a heap of ${heap}: it needs twice the heap and 1.5 GiB more; give it at least ${needed}MiB`;
}
