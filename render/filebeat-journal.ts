/** Programs that users run as root: their lines have the user's own uid. The second folder is Ubuntu's, from 25.10 on. */
const SETUID_PROGRAMS = [
  ...["sudo", "sudo.ws", "su", "passwd", "gpasswd", "pkexec"].map((name) => `/usr/bin/${name}`),
  ...["sudo", "su"].map((name) => `/usr/lib/cargo/bin/${name}`),
];

/** Filebeat's condition for the lines of root and of programs that users run as root. journald fills both fields in, never the sender. */
const IS_ROOTS = {
  or: [
    { equals: { "journald.uid": 0 } },
    ...SETUID_PROGRAMS.map((path) => ({ equals: { "journald.process.executable": path } })),
  ],
};

/** The ids of the two readers: Filebeat keeps their positions under them (scripts/shipping-report.sh reads those). */
export const ROOT_READER = "journal";
export const OTHERS_READER = "journal-others";

/**
 * Returns the journald inputs of an agent: two, each of which reads the whole journal and drops what is the other's. Each goes at its
 * own pace, since to drop a line costs next to nothing: so root's lines are sent while services or users flood the journal faster
 * than Elasticsearch takes them, before journald removes them.
 *
 * Not more than two, as each needs an inotify instance of the host, which has 128 for all its containers by default. Without
 * `include_matches`, which 7.17 and 8.19 understand differently if several fields are named.
 * The first has the id that the only reader had before: with another one, root's old lines would be sent again.
 */
export function journalInputs(): object[] {
  return [
    { type: "journald", id: ROOT_READER, processors: [{ drop_event: { when: { not: IS_ROOTS } } }] },
    { type: "journald", id: OTHERS_READER, processors: [{ drop_event: { when: IS_ROOTS } }] },
  ];
}
