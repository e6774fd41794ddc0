/**
 * Rules count a line if it was ingested at most this many minutes after it was written. So lines that arrive a little late still cause
 * alerts, but the old lines of a first installation (weeks of lines within minutes) do not. Later lines get the tag `late`.
 */
export const LATENESS_MINUTES = 60;
