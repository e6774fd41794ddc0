import { waitFor } from "../../core/wait";

/** Waits for what comes at once or not at all, at most five seconds. Throws an Error that names it at the deadline. */
export async function soon(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor({ what, seconds: 5, pauseMs: 25 }, probe);
}
