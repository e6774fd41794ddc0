const MIB: Readonly<Record<string, number>> = { m: 1, g: 1024, MiB: 1, GiB: 1024, TiB: 1024 * 1024 };

/** The memory of Kibana and the system, in MiB. */
const OTHER_PROGRAMS_MIB = 1536;
/** Elasticsearch does not start with a smaller heap. */
const SMALLEST_HEAP_MIB = 512;
/** With a larger heap the JVM does not compress pointers. */
const LARGEST_HEAP_MIB = 31 * 1024;

/** The disk of the system, Elasticsearch, Kibana and their next versions: 4 GiB; and the smallest room for logs. */
const SMALLEST_DISK_MIB = 10 * 1024;

/** Returns a size in MiB. It is given in LXD's notation (4GiB) or the JVM's (512m, 2g). */
function mebibytes(text: string): number {
  const [, number = "0", unit = ""] = /^(\d+)(\D+)$/.exec(text) ?? [];
  return Number(number) * (MIB[unit] ?? 0);
}

/** Half of the memory that the other programs leave is the heap; the other half caches Lucene's files. */
function memoryFor(heapMib: number): number {
  return 2 * heapMib + OTHER_PROGRAMS_MIB;
}

/** Returns the largest heap, in the JVM's notation, that fits a container's memory, given in LXD's notation. */
export function largestHeap(memory: string): string {
  const half = Math.floor((mebibytes(memory) - OTHER_PROGRAMS_MIB) / 2);
  return `${Math.min(Math.max(half, SMALLEST_HEAP_MIB), LARGEST_HEAP_MIB)}m`;
}

/** Returns why a container's memory is too small for any heap, as the message of a problem; undefined if it is not. */
export function memoryFault(memory: string): string | undefined {
  const needed = memoryFor(SMALLEST_HEAP_MIB);
  if (mebibytes(memory) >= needed) return undefined;
  return `must be ${needed}MiB or more (twice the smallest heap, and 1.5 GiB for other programs), such as 4GiB; it is ${memory}`;
}

/** Returns why a heap does not fit a container's memory, as the message of a problem; undefined if it fits. */
export function heapFault(memory: string, heap: string): string | undefined {
  const heapMib = mebibytes(heap);
  if (heapMib < SMALLEST_HEAP_MIB || heapMib > LARGEST_HEAP_MIB) {
    return `must be from ${SMALLEST_HEAP_MIB}m to 31g, such as 1024m; it is ${heap}`;
  }
  const needed = memoryFor(heapMib);
  if (mebibytes(memory) >= needed) return undefined;
  return `must fit siem.memory, which is ${memory}; for a heap of ${heap} it must be ${needed}MiB or more (twice the heap, and 1.5 GiB for other programs)`;
}

/** Returns why a disk limit, in LXD's notation, is too small for the SIEM, as the message of a problem; undefined if it is not. */
export function diskFault(disk: string): string | undefined {
  if (mebibytes(disk) >= SMALLEST_DISK_MIB) return undefined;
  return `must be ${SMALLEST_DISK_MIB / 1024}GiB or more (4 GiB for the programs and their updates, the rest for logs), such as 50GiB; it is ${disk}`;
}
