import assert from "node:assert/strict";
import fc from "fast-check";
import { filebeatEvents } from "../../commands/parse/filebeat";
import { realElasticsearch, type RealElasticsearch } from "../../commands/elasticsearch";
import { flat, putPipelines, simulate } from "../../commands/elasticsearch/pipelines";

const SEED = 20240301;
const NAMES = 1500;
const HASH = "0123456789abcdef".repeat(4);
const SESSION = `ID${"Ab+/".repeat(10)}abc=`;

/** Every envelope around a message. */
const ENVELOPES: Record<string, (message: string) => string> = {
  "the WAR's": (message) =>
    `* INFO  2024-03-01T10:11:12,345 ${message} (AuthenticationLoggerListener.java [tomcat-http-7])`,
  "2.43's": (message) =>
    `* INFO  2024-03-01T10:11:12,345 ${message} (AuthenticationLoggerListener [tomcat-http-7]) ${SESSION} 4f2a9c`,
  "Docker's": (message) => `INFO  org.hisp.dhis.security.AuthenticationLoggerListener [http-1] ${message}`,
  "dhis2-tools-dab's": (message) => `${message}  `,
  "dhis2-tools-dab's with a request": (message) => `${message}  4f2a9c`,
};

interface Form {
  /** What the sanitiser of these versions lets through. */
  readonly characters: string;
  /** What a name is made of that wants to be taken for something else. */
  readonly tokens: readonly string[];
  readonly line: (name: string) => string;
}

const WIDE = "ABCXYZabcxyz0189 ;:,.'=@_-";
const TOKENS = [
  "; ip: 8.8.8.8",
  "; sessionId: 12",
  "; exception: ",
  "; username: admin",
  "; targetUser: x",
  "Bad credentials",
  "  ",
  " ID",
];
const FORMS: Record<string, Form> = {
  "a failure from 2.38.4 on": {
    characters: WIDE,
    tokens: TOKENS,
    line: (name) =>
      `Authentication event: AuthenticationFailureBadCredentialsEvent; username: ${name}; exception: Bad credentials`,
  },
  "a failure before 2.38.4": {
    characters: `${WIDE}("{}[])<>\\/\u00e9\u4e2d`,
    tokens: [...TOKENS, " (X.java [y])", "{{x}}", '"', "\n"],
    line: (name) =>
      `Authentication event: AuthenticationFailureBadCredentialsEvent; username: ${name}; ip: 197.210.1.2; sessionId: ${HASH}; exception: Bad credentials`,
  },
  "a failure of 2.38.0": {
    characters: "ABCXYZabcxyz0189 ._-",
    tokens: [" ip 8.8.8.8", " sessionId 12", " exception ", " username ", "  "],
    line: (name) =>
      `Authentication event AuthenticationFailureBadCredentialsEvent username ${name} ip 197.210.1.2 sessionId ${HASH} exception Bad credentials`,
  },
  // An account's name has no semicolon in it.
  "a success": {
    characters: WIDE.replace(";", ""),
    tokens: ["ip: 8.8.8.8", "sessionId", "  "],
    line: (name) =>
      `Authentication event: AuthenticationSuccessEvent; username: ${name}; ip: 197.210.1.2; sessionId: ${HASH}`,
  },
};

function names({ characters, tokens }: Form): string[] {
  const piece = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: 12 }),
    },
    { weight: 1, arbitrary: fc.constantFrom(...tokens) },
  );
  const name = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(""));
  return fc.sample(name, { seed: SEED, numRuns: NAMES });
}

describe("a user's name in a line", function () {
  this.timeout(400_000);
  let elasticsearch: RealElasticsearch;
  let entry: string;
  before(async () => {
    elasticsearch = await realElasticsearch();
    ({ entry } = await putPipelines(elasticsearch, "names"));
  });

  for (const [title, form] of Object.entries(FORMS)) {
    it(`of ${title} is what was typed, whatever it looks like, in every envelope`, async () => {
      const cases = names(form).flatMap((name, index) => {
        const [envelope, wrap] =
          Object.entries(ENVELOPES)[index % Object.keys(ENVELOPES).length] ?? assert.fail();
        return [{ name, envelope, message: wrap(form.line(name)) }];
      });
      const events = cases.map(
        ({ message }) =>
          filebeatEvents({
            "@timestamp": "2024-03-01T10:11:12Z",
            container: "dhis",
            type: "dhis2",
            journal: "tomcat9",
            message,
          })["8.19"],
      );
      const documents = (await simulate(elasticsearch, entry, events)).map(flat);
      documents.forEach((document, index) => {
        const { name, envelope, message } = cases[index] ?? assert.fail();
        const found = {
          name: document["user.name"],
          outcome: document["event.outcome"],
          tags: document.tags,
        };
        const outcome = message.includes("AuthenticationSuccessEvent") ? "success" : "failure";
        assert.deepEqual(found, { name, outcome, tags: undefined }, `${envelope}: ${message}`);
        assert.equal(document["source.ip"], undefined);
        assert.equal(document["user.target.name"], undefined);
      });
    });
  }

  it("of 40 kB is kept so far that a rule can count by it, and its line as far as its beginning and its end", async () => {
    const name = `"'{{x}} ${"n\u0001\u{1f600}".repeat(13_000)}`;
    const message = FORMS["a failure before 2.38.4"]?.line(name) ?? assert.fail();
    const event = {
      "@timestamp": "2024-03-01T10:11:12Z",
      message,
      dhis2: { container: { name: "dhis", type: "dhis2" } },
      syslog: { identifier: "tomcat9" },
    };
    const [document = {}] = (await simulate(elasticsearch, entry, [event])).map(flat);
    const kept = String(document["user.name"]);
    assert.ok(JSON.stringify(kept).length > 300 && Buffer.byteLength(JSON.stringify(kept)) <= 514, kept);
    for (const [whole, part] of [
      [name, kept],
      [message, String(document["event.original"])],
    ] as const) {
      const [head = "", tail = ""] = part.split(/…\[\+\d+, sha256 [0-9a-f]{12}\]…/);
      assert.ok(whole.startsWith(head) && whole.endsWith(tail) && head !== "" && tail !== "");
      // No half of a character at a cut.
      assert.equal(Buffer.from(part).toString(), part);
    }
    assert.deepEqual(document.tags, ["cut"]);
    // Another name that differs only in its middle is another name.
    const other = {
      ...event,
      message: message.replace("n\u0001\u{1f600}".repeat(9000), (part) => part.replaceAll("n", "m")),
    };
    const [second = {}] = (await simulate(elasticsearch, entry, [other])).map(flat);
    assert.notEqual(second["user.name"], kept);
  });
});
