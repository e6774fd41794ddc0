/** Programs that users run as root: their lines have the user's own uid. The second folder is Ubuntu's, from 25.10 on. */
const SETUID_PROGRAMS = [
  ...["sudo", "sudo.ws", "su", "passwd", "gpasswd", "pkexec"].map((name) => `/usr/bin/${name}`),
  ...["sudo", "su"].map((name) => `/usr/lib/cargo/bin/${name}`),
];

/** Filebeat's condition for the lines of root and of programs that users run as root. journald sets both fields; the sender cannot. */
const IS_ROOTS = {
  or: [
    { equals: { "journald.uid": 0 } },
    ...SETUID_PROGRAMS.map((path) => ({ equals: { "journald.process.executable": path } })),
  ],
};

/**
 * Tags the rest of a line that journald has cut (`LineMax` in sources/system). The cut part says that it was cut, its rest says
 * nothing; but journald names the stream of both. The pipelines do not read such a rest as a line, as it begins with text that
 * a client may have chosen. `count` bounds what is remembered: a stream that ends after a cut part never has a rest.
 */
const TAG_REST = `var cut = {}, count = 0;
function process(event) {
  var stream = event.Get("journald.custom.stream_id");
  if (!stream) return;
  if (cut[stream]) {
    event.Tag("rest_of_line");
    delete cut[stream];
    count--;
  }
  if (event.Get("journald.custom.line_break") === "line-max") {
    if (count >= 1000) { cut = {}; count = 0; }
    cut[stream] = true;
    count++;
  }
}
`;

/** The ids of the two readers: Filebeat keeps their positions under them (scripts/shipping-report.sh reads those). */
export const ROOT_READER = "journal";
export const OTHERS_READER = "journal-others";

/**
 * Returns the two journald inputs of an agent. Each reads the whole journal, drops the other's lines, and has its own position.
 * Dropping a line costs almost nothing. So root's lines are sent before journald removes them, even if services or users flood
 * the journal faster than Elasticsearch accepts lines.
 *
 * There are only two, because each needs an inotify instance of the host, which has 128 for all its containers by default.
 * `include_matches` is not used, because 7.17 and 8.19 interpret several fields differently. The first input has the id of the
 * single input of earlier versions: with another id, root's old lines would be sent again.
 */
export function journalInputs(): object[] {
  const input = (id: string, when: object) => ({
    type: "journald",
    id,
    processors: [{ drop_event: { when } }, { script: { lang: "javascript", source: TAG_REST } }],
  });
  return [input(ROOT_READER, { not: IS_ROOTS }), input(OTHERS_READER, IS_ROOTS)];
}
