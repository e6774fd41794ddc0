/**
 * A line counts when it was ingested at most this long after it was written. So lines that arrive late still alert, and
 * the backlog of a first installation (weeks of lines within minutes) does not. What comes later is tagged `late`.
 */
export const LATENESS_MINUTES = 60;
